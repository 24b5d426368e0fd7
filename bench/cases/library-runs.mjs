// library-runs.mjs COUNT RUNG: runs `true` so often through the library, in this folder.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { openSession, planRequest } from '../../dist/index.js';

const [count, rung] = process.argv.slice(2);
const cwd = process.cwd();
const home = homedir();
const request = {
  invocation: {
    ...{ command: ['true'], mounts: [], pass: [], set: {}, require: [], ephemeral: false, limits: {} },
    ...{ network: 'none', rung, allow: [], deny: [], publish: [] },
  },
  profiles: [],
  ignoreWorkspaceConfig: true,
  workspace: cwd,
  cwd,
  env: process.env,
  home,
  stateDir: join(process.env.XDG_STATE_HOME, 'sbox'),
  configDir: join(home, '.config', 'sbox'),
  terminal: false,
};
for (let index = 0; index < Number(count); index++) {
  const { plan, facts, executable } = await planRequest(request);
  const session = await openSession(plan, facts, { executable, stdio: ['ignore', 'ignore', 'inherit'] });
  const { exitCode } = await session.ended;
  await session[Symbol.asyncDispose]?.();
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
}
