import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtPackage } from '../../support/package-copy.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser, runSbox } from '../../support/sbox.ts';

eachUser((as) => {
  test.each(kernelRungs)('inside a sandbox on %s the advice is about that, not about a container', async (rung) => {
    const sbox = `${process.execPath} ${join(builtPackage(), 'bin/sbox.js')}`;
    const script = `mkdir inner; ${sbox} run --rung namespaces -w inner -- true 2>&1; ${sbox} doctor`;
    const outer = ['run', '-q', '--rung', rung, '-m', builtPackage(), '--', 'sh', '-c', script];
    const { stdout } = await runSbox(outer, aWorkspace(as));
    expect(stdout).toMatch(
      /SBOX_E_RUNG(?:.|\n)*cause: this is inside another sandbox(?:.|\n)*fix: {3}run sbox outside/,
    );
    expect(stdout).toMatch(/what would give more\n +hide, write, process +run sbox outside of it/);
    expect(stdout).not.toMatch(/Docker|sysctl/);
  });
});
