import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** sbox as the operator of a world calls it. */
export const openSbox = (program, options, world) => {
  const at = { cwd: world.work, env: world.env };
  const command = (verb, flags, argv) => [process.execPath, program, verb, ...options, ...flags, '--', ...argv];
  const run = (argv, flags = []) => command('run', ['-q', ...flags], argv);
  return {
    /** the argument vector of a run */
    command: run,
    run: (argv, flags) => collect(run(argv, flags), at),
    outside: (argv) => collect(argv, at),
    /** the plan of a run, said as a line with the properties that are tried on it; a refusal is said too */
    plan: async (flags, tries) => {
      const planned = await collect(command('plan', ['--json', ...flags], ['true']), at);
      if (planned.status === 0) {
        const plan = JSON.parse(planned.stdout);
        const { mechanism, network, properties, user } = plan;
        say({ kind: 'plan', mechanism, network: network.mode, properties, user, tries });
        return plan;
      }
      const tried = await collect(command('run', flags, ['true']), at);
      say({ kind: 'refused', status: tried.status, stderr: tried.stderr });
      return undefined;
    },
  };
};

/** Runs a command to its end. */
export const collect = (argv, options) =>
  new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].on('data', (part) => {
        said[name] += part;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, ...said }));
  });

/** What came of attacks that one process tries for us, by id. */
export const outcomesOf = async (run, attacks, file) => {
  writeFileSync(file, JSON.stringify(attacks));
  const { status, stdout, stderr } = await run(['/usr/bin/python3', join(file, '../attack.py'), file]);
  const [line] = /\{.*\}/.exec(stdout) ?? [];
  if (line === undefined) throw new Error(`no outcomes (${status}): ${stdout}\n${stderr}`);
  return JSON.parse(line);
};

/** Says what came of one attack, and what the report of that run makes of it. */
export const sayCheck = (plan, { property, id, hole, control: where = 'everywhere' }, control, inside) => {
  const { status, why } = plan.properties.find(({ name }) => name === property);
  const expected = expectedOf(status, why, hole);
  say({ kind: 'check', network: plan.network.mode, property, status, attack: id, where, control, inside, expected });
};

/** Of a property that is `partial`, exactly the named holes are open; of what is weaker, any may be. */
const expectedOf = (status, why, hole) => {
  if (status === 'advisory' || status === 'open') return 'either';
  return status === 'partial' && hole?.test(why) ? 'works' : 'fails';
};
