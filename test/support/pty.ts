import { fileURLToPath } from 'node:url';
import { program } from './needs.ts';
import { type StartOptions, startProgram } from './start.ts';

/** Driving a terminal takes this of the machine. */
export const terminals = program('python3');

const driver = fileURLToPath(new URL('../fixtures/terminal.py', import.meta.url));
/** Nothing here takes as long; what never comes fails the case with what the terminal shows. */
const patienceMs = 30_000;

export interface TerminalState {
  /** the foreground process group */
  readonly foreground: number;
  readonly modes: readonly unknown[];
  /** the process that the terminal was opened for, leader of its session */
  readonly child: number;
}

/** A command on a pseudo-terminal of its own, 24 rows of 80 columns unless resized. */
export interface Terminal extends AsyncDisposable {
  /** types: `\x03` is Ctrl-C, `\x1a` Ctrl-Z, `\r` Enter */
  readonly send: (text: string) => void;
  readonly resize: (rows: number, columns: number) => void;
  /** waits until the text has been shown after what earlier calls found, and returns what came up to its end */
  readonly expect: (text: string | RegExp) => Promise<string>;
  /** everything shown so far */
  readonly shown: () => string;
  readonly state: () => Promise<TerminalState>;
  /** takes the terminal away, as closing its window does; `ended` rejects then */
  readonly hangUp: () => void;
  /** the exit status as a shell tells it */
  readonly ended: Promise<number>;
}

type Event = { out?: string; exit?: number; state?: number } & Partial<TerminalState>;

export const openTerminal = (argv: readonly string[], options: StartOptions): Terminal => {
  const { child, ended } = startProgram(['/usr/bin/env', 'python3', driver, ...argv], {
    ...options,
    stdin: 'pipe',
    env: { TERM: 'xterm', ...options.env },
  });
  child.stdin?.on('error', () => {}); // the command may end while something is typed
  const screen = new Screen();
  const states = new Map<number, (state: TerminalState) => void>();
  let status: number | undefined;
  onLine(child.stdout, (line) => {
    const event = JSON.parse(line) as Event;
    if (event.out !== undefined) screen.add(Buffer.from(event.out, 'base64'));
    if (event.exit !== undefined) status = event.exit;
    if (event.state !== undefined) states.get(event.state)?.(event as TerminalState);
  });
  const ask = (request: object) => void child.stdin?.write(`${JSON.stringify(request)}\n`);
  const finished = ended.then(({ stderr }) => {
    screen.close();
    if (status === undefined) throw new Error(`the terminal's driver failed: ${stderr}`);
    return status;
  });
  finished.catch(() => {});
  return {
    send: (text) => ask({ send: Buffer.from(text).toString('base64') }),
    resize: (rows, columns) => ask({ resize: [rows, columns] }),
    expect: (text) => screen.expect(text),
    shown: () => screen.text,
    state: () =>
      new Promise((resolve) => {
        const id = states.size;
        states.set(id, ({ foreground, modes, child: leader }) => resolve({ foreground, modes, child: leader }));
        ask({ state: id });
      }),
    hangUp: () => void child.kill('SIGKILL'),
    ended: finished,
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await finished.catch(() => {});
    },
  };
};

/** What a terminal has shown, and who waits for more. */
class Screen {
  text = '';
  private seen = 0;
  private closed = false;
  private look: () => void = () => {};
  private readonly decoder = new TextDecoder();

  add(bytes: Uint8Array): void {
    this.text += this.decoder.decode(bytes, { stream: true });
    this.look();
  }

  close(): void {
    this.closed = true;
    this.look();
  }

  expect(wanted: string | RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(new Error(`${why} before ${wanted}: ${JSON.stringify(this.text.slice(-3000))}`));
      const timer = setTimeout(() => fail('waited in vain'), patienceMs);
      this.look = () => {
        const found = this.find(wanted);
        if (found === undefined && !this.closed) return;
        clearTimeout(timer);
        this.look = () => {};
        if (found === undefined) fail('the terminal closed');
        else resolve(found);
      };
      this.look();
    });
  }

  private find(wanted: string | RegExp): string | undefined {
    const rest = this.text.slice(this.seen);
    const match = typeof wanted === 'string' ? rest.indexOf(wanted) : rest.search(wanted);
    if (match < 0) return undefined;
    const length = typeof wanted === 'string' ? wanted.length : (wanted.exec(rest)?.[0].length ?? 0);
    this.seen += match + length;
    return rest.slice(0, match + length);
  }
}

const onLine = (stream: NodeJS.ReadableStream | null, take: (line: string) => void): void => {
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
};
