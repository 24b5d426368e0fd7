import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { plainEnv } from './measure.mjs';

/**
 * A shell in a sandbox, or in none, that runs the same command each time it is asked: what the command takes once the sandbox stands, without
 * the start of it. `wrap(argv, cwd)` is what makes the sandbox. Starts when first asked.
 */
export const makeWorker = (command, cwd, wrap) => {
  let worker;
  return {
    /** One run of the command, in ms. Throws if it fails, or if what it runs in has ended. */
    sample: async () => {
      worker ??= await start(wrap(['sh', '-c', loop(command)], cwd), cwd);
      const before = performance.now();
      const status = await worker.ask();
      const wallMs = performance.now() - before;
      if (status !== '0') throw new Error(`${command} failed (${status}): ${worker.complaint()}`);
      return { wallMs };
    },
    close: () => worker?.close(),
  };
};

/** Whatever the command writes stays away from the line of answers. */
const loop = (command) => `echo ready; while read -r word; do ${command} </dev/null >/dev/null; echo $?; done`;

const start = async ([program, ...args], cwd) => {
  const child = spawn(program, args, { cwd, env: plainEnv, stdio: 'pipe' });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-300);
  });
  child.stdin.on('error', () => {}); // it has ended: the answers tell
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ended: ${complaint.trim()}`);
    return value;
  };
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const worker = {
    ask: () => {
      child.stdin.write('go\n');
      return answer();
    },
    complaint: () => complaint.trim(),
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
  const first = await answer();
  if (first !== 'ready') throw new Error(`${program} wrote ${first}: ${complaint.trim()}`);
  return worker;
};
