import { describe, expect } from 'vitest';
import { compile } from '../support/compile.ts';
import { needs, program } from '../support/needs.ts';
import { aCountingGreeter, kernelRungs } from '../support/reach.ts';
import { aWorkspace, eachUser, runOutside, runSbox } from '../support/sbox.ts';

const test = needs(program('gcc'));

/** Of each way; more of them with SBOX_TEST_RACES=1000000. */
const attempts = process.env['SBOX_TEST_RACES'] ?? '20000';
const seconds = process.env['SBOX_TEST_RACES'] === undefined ? '2' : '3600';
const timeoutMs = 30_000 + 1000 * Number(seconds);

eachUser((as) => {
  describe.each(kernelRungs)('on %s', (rung) => {
    test.each(['port', 'family', 'page', 'descriptor'])(
      'no forbidden server sees a connection while another thread changes the %s',
      async (way) => {
        const workspace = aWorkspace(as);
        compile('escape/race.c', `${workspace.cwd}/race`, ['-pthread']);
        const [forbidden, allowed] = [await aCountingGreeter(), await aCountingGreeter()];
        const argv = (count: string) => ['./race', way, count, seconds, `${forbidden.port}`, `${allowed.port}`];

        // until each of them was reached: the two threads may take turns for a while
        let [before, met] = [0, 0];
        for (let run = 0; run < 20 && (before === 0 || met === 0); run++) {
          expect((await runOutside(argv('3000'), workspace)).code).toBe(0);
          [before, met] = [await forbidden.seen(), await allowed.seen()];
        }
        expect(before).toBeGreaterThan(0);
        expect(met).toBeGreaterThan(0);

        const flags = ['--rung', rung, '--allow', `localhost:${allowed.port}`];
        const inside = await runSbox(['run', '-q', ...flags, '--', ...argv(attempts)], { ...workspace, timeoutMs });
        const [made = 0, refused = 0] = inside.stdout.split(' ').map(Number);
        expect(inside.code, inside.stderr).toBe(0);
        expect(made).toBeGreaterThan(0);
        expect(refused).toBeGreaterThan(0);
        expect(await forbidden.seen()).toBe(before);
      },
      timeoutMs,
    );
  });
});
