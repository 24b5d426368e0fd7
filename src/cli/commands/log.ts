import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEvent } from '../../domain/audit.ts';
import { exitCode, SboxError } from '../../domain/errors.ts';
import { isRefused, type Parsed } from '../../domain/parsed.ts';
import { isWithin } from '../../domain/path.ts';
import { printableJson } from '../../domain/printable.ts';
import { parseCount, parseDuration } from '../../domain/units.ts';
import { nameOfWorkspace } from '../../plan/sandbox.ts';
import { listAuditFiles } from '../../state/audit/files.ts';
import { type AuditQuery, openAuditTail, readAudit } from '../../state/audit/read.ts';
import { readSandboxes } from '../../state/sandboxes.ts';
import type { CliContext } from '../context.ts';
import { renderEvent } from '../render-event.ts';

export interface LogOptions {
  readonly follow?: true;
  readonly json?: true;
  readonly denied?: true;
  readonly name?: string;
  readonly all?: true;
  readonly last?: string;
  readonly since?: string;
}

/** `sbox log`: what the audit log holds of the sandboxes of this workspace, of one, or of all. Throws an SboxError. */
export const log = async (options: LogOptions, context: CliContext, until?: AbortSignal): Promise<number> => {
  outliveReader();
  const query = parseQuery(options, context);
  const several = query.sandboxes?.length !== 1;
  const show = (events: readonly AuditEvent[]): void => {
    const lines = events.map((event) =>
      options.json ? printableJson(event) : renderEvent(event, { color: context.color, sandbox: several }),
    );
    if (lines.length > 0) context.print(`${lines.join('\n')}\n`);
  };
  if (!options.follow) {
    const events = readable(() => readAudit(query), context);
    show(events);
    if (events.length === 0 && !options.json) context.complain(renderNothing(options));
    return 0;
  }
  const tail = openAuditTail(query);
  using stop = until === undefined ? stopBySignal() : { signal: until, [Symbol.dispose]: () => {} };
  while (!stop.signal.aborted) {
    show(readable(tail.next, context));
    await sleep(pollMs, undefined, { signal: stop.signal }).catch(() => {});
  }
  show(readable(tail.next, context));
  return 0;
};

/** Files that grow on another machine (NFS) give no notice, so they are looked at. */
const pollMs = 200;

const parseQuery = (options: LogOptions, context: CliContext): AuditQuery => {
  const last = options.last === undefined ? undefined : accept('--last', parseCount(options.last));
  const since = options.since === undefined ? undefined : accept('--since', parseDuration(options.since));
  const sandboxes = chooseSandboxes(options, context);
  return {
    stateDir: context.stateDir,
    ...(sandboxes !== undefined && { sandboxes }),
    ...(last !== undefined && { last }),
    ...(since !== undefined && { sinceMs: Date.now() - since }),
    ...(last === undefined && since === undefined && { last: 100 }),
    wanted: (event) => !options.denied || ('verdict' in event && event.verdict === 'deny'),
  };
};

const accept = <T>(option: string, parsed: Parsed<T>): T => {
  if (!isRefused(parsed)) return parsed.value;
  throw usageError(`cannot use ${option}: ${parsed.problem}`, parsed.hint);
};

/** The named sandbox; or those whose workspace holds the current folder, and the one that a run here would be in. */
const chooseSandboxes = ({ name, all }: LogOptions, context: CliContext): string[] | undefined => {
  if (name !== undefined && all)
    throw usageError('cannot show one sandbox and all of them', 'leave --all or --name out');
  if (all) return undefined;
  const records = readSandboxes(context.stateDir);
  if (name === undefined) {
    const here = records.filter(({ workspace }) => isWithin(context.cwd, workspace)).map((record) => record.name);
    return [...new Set([nameOfWorkspace(context.cwd), ...here])];
  }
  const logged = readable(() => listAuditFiles(context.stateDir), context).some(({ sandbox }) => sandbox === name);
  if (logged || records.some((record) => record.name === name)) return [name];
  throw usageError(`cannot show the log of "${name}": there is no such sandbox`, 'sbox list, or sbox log --all');
};

const usageError = (message: string, fix: string): SboxError =>
  new SboxError({ code: 'SBOX_E_USAGE', message, fix, exitCode: exitCode.usage });

const readable = <T>(read: () => T, { stateDir }: CliContext): T => {
  try {
    return read();
  } catch (error) {
    throw new SboxError({
      code: 'SBOX_E_STATE',
      message: `cannot read the audit log in "${stateDir}/audit": ${(error as NodeJS.ErrnoException).code ?? error}`,
      cause: 'it holds plain files, made by sbox for its own user',
      fix: `ls -lR "${stateDir}/audit"`,
    });
  }
};

const renderNothing = ({ denied, since, all, name }: LogOptions): string => {
  const what = denied ? 'nothing was denied' : 'nothing is logged';
  const where = all
    ? ''
    : name === undefined
      ? ' in the sandboxes of this workspace (--all shows every one)'
      : ` in "${name}"`;
  return `sbox: note: ${what}${where}${since === undefined ? '' : ` in the last ${since}`}\n`;
};

/** Aborts at the first SIGINT or SIGTERM, or once nobody reads any more. */
const stopBySignal = (): Disposable & { readonly signal: AbortSignal } => {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const events = [
    [process, 'SIGINT'],
    [process, 'SIGTERM'],
    [process.stdout, 'error'],
  ] as const;
  for (const [emitter, event] of events) emitter.once(event, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const [emitter, event] of events) emitter.removeListener(event, stop);
    },
  };
};

/** A reader that has seen enough, as in `sbox log | head -1`, is no fault; the write fails after this command has returned. */
const outliveReader = (): void => {
  if (!process.stdout.listeners('error').includes(ignoreReader)) process.stdout.on('error', ignoreReader);
};

const ignoreReader = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
};
