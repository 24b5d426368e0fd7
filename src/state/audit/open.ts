import { closeSync, fstatSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditAct } from '../../domain/audit.ts';
import { printableJson } from '../../domain/printable.ts';
import { ensurePrivateFolder } from '../write-atomically.ts';
import {
  type AuditBounds,
  auditBounds,
  auditFolder,
  auditPath,
  isUsedUp,
  listAuditFiles,
  openAuditPart,
  pruneAudit,
} from './files.ts';
import { openThinner, type ThinBounds, thinBounds } from './thin.ts';

/** The audit log of one run. */
export interface Audit extends Disposable {
  /** Appends one line, in some microseconds. Never throws: a connection must not break for it. */
  readonly write: (act: AuditAct) => void;
  /** the first line that could not be written, and how many: for the end of the run to tell */
  readonly failure: () => { readonly message: string; readonly lost: number } | undefined;
}

export interface AuditOptions {
  readonly stateDir: string;
  readonly sandbox: string;
  /** tells the runs of a sandbox apart */
  readonly run: string;
  readonly bounds?: Partial<AuditBounds & ThinBounds>;
  /** milliseconds since 1970 */
  readonly now?: () => number;
}

/** Makes ready to log; no file is touched before the first act. Disposing it writes what was summed and closes the file. */
export const openAudit = (options: AuditOptions): Audit => {
  const { stateDir, sandbox, run, now = Date.now } = options;
  const bounds = { ...auditBounds, ...thinBounds, ...options.bounds };
  const thinner = openThinner(bounds);
  const part = openPart(stateDir, sandbox, bounds);
  let failure: { message: string; lost: number } | undefined;
  let disposed = false;
  const append = (act: AuditAct): void => {
    const time = new Date(now()).toISOString();
    try {
      part.append(time.slice(0, 10), `${printableJson({ time, run, sandbox, ...act })}\n`);
    } catch (error) {
      const message = `cannot write to "${auditFolder(stateDir)}": ${(error as NodeJS.ErrnoException).code ?? error}`;
      failure = { message: failure?.message ?? message, lost: (failure?.lost ?? 0) + 1 };
    }
  };
  return {
    write: (act) => {
      for (const due of thinner.take(act, now())) append(due);
      if (disposed) part.close(); // a connection whose end was told late
    },
    failure: () => failure,
    [Symbol.dispose]: () => {
      disposed = true;
      for (const due of thinner.flush()) append(due);
      part.close();
    },
  };
};

/** The part that is appended to: opened at the first line, changed when it is full, removed, or of yesterday. */
const openPart = (stateDir: string, sandbox: string, bounds: AuditBounds) => {
  let open: { readonly fd: number; readonly day: string; torn: boolean } | undefined;
  const close = (): void => {
    if (open !== undefined) closeSync(open.fd);
    open = undefined;
  };
  const append = (day: string, line: string): void => {
    if (open !== undefined && (open.day !== day || isUsedUp(fstatSync(open.fd), bounds))) close();
    open ??= { fd: openNewest(stateDir, sandbox, day, bounds), day, torn: false };
    // one write(2) with O_APPEND: lines of several runs never mix (open(2)); a full disk may cut one short, and the next begins anew
    const bytes = Buffer.from(open.torn ? `\n${line}` : line);
    open.torn = writeSync(open.fd, bytes) < bytes.length;
    if (open.torn) throw Object.assign(new Error('the line was cut short'), { code: 'ENOSPC' });
  };
  return { append, close };
};

/** The newest part of the day with room in it, or the next one; whoever begins a part makes room for it. */
const openNewest = (stateDir: string, sandbox: string, day: string, bounds: AuditBounds): number => {
  ensurePrivateFolder(auditFolder(stateDir));
  ensurePrivateFolder(join(auditFolder(stateDir), sandbox));
  const newest = listAuditFiles(stateDir, [sandbox]).findLast((file) => file.day === day);
  for (let part = newest?.part ?? 1; ; part++) {
    const fd = openAuditPart(auditPath(stateDir, sandbox, day, part));
    const stats = fstatSync(fd);
    if (stats.size === 0) pruneAudit(stateDir, sandbox, bounds);
    if (!isUsedUp(stats, bounds)) return fd;
    closeSync(fd);
  }
};
