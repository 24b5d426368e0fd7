import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';

const { O_WRONLY, O_RDONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * The files of the audit log: `audit/SANDBOX/DAY.PART.jsonl` (UTC; folders 0700, files 0600). Several runs append to the newest part; a full
 * one is followed by the next part and never renamed, so that runs need no lock between them and a reader's place stays valid.
 */
export interface AuditFile {
  readonly path: string;
  readonly sandbox: string;
  /** `2026-01-31` */
  readonly day: string;
  readonly part: number;
}

/** What the log may take: of one sandbox, so that it can't push out what another did, and in all. */
export interface AuditBounds {
  readonly fileBytes: number;
  readonly filesOfSandbox: number;
  readonly totalBytes: number;
  readonly totalFiles: number;
}

export const auditBounds: AuditBounds = {
  fileBytes: 4 * 2 ** 20,
  filesOfSandbox: 8,
  totalBytes: 128 * 2 ** 20,
  totalFiles: 2000,
};

export const auditFolder = (stateDir: string): string => join(stateDir, 'audit');

export const auditPath = (stateDir: string, sandbox: string, day: string, part: number): string =>
  join(auditFolder(stateDir), sandbox, `${day}.${String(part).padStart(4, '0')}.jsonl`);

/** The files of these sandboxes, or of all, each sandbox's oldest first. */
export const listAuditFiles = (stateDir: string, sandboxes?: readonly string[]): AuditFile[] =>
  (sandboxes ?? listNames(auditFolder(stateDir)).sort()).flatMap((sandbox) => listFilesOf(stateDir, sandbox));

/** Opens a part to append to, made if missing. Throws Node's file-system errors, ELOOP for a link. */
export const openAuditPart = (path: string): number => {
  // without O_NONBLOCK a FIFO of that name would hold the caller until somebody reads it
  const fd = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600);
  return checkedRegular(fd, path);
};

/** The bytes of a part from `offset` on, at most `most`; none if it is gone. */
export const readAuditPart = (path: string, offset = 0, most = 16 * 2 ** 20): Buffer => {
  let fd: number;
  try {
    fd = checkedRegular(openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    const bytes = Buffer.alloc(Math.min(most, Math.max(0, fstatSync(fd).size - offset)));
    return bytes.subarray(0, bytes.length === 0 ? 0 : readSync(fd, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(fd);
  }
};

/** Removes the oldest parts of a sandbox beyond its share, then the oldest of all beyond the whole; a part that resists stays. */
export const pruneAudit = (stateDir: string, sandbox: string, bounds: AuditBounds): void => {
  const own = listFilesOf(stateDir, sandbox);
  for (const { path } of own.slice(0, Math.max(0, own.length - bounds.filesOfSandbox))) removeFile(path);
  const files = listAuditFiles(stateDir)
    .flatMap(({ path }) => {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ path, stats }];
    })
    .sort((a, b) => b.stats.mtimeMs - a.stats.mtimeMs);
  let bytes = 0;
  files.forEach(({ path, stats }, index) => {
    bytes += stats.size;
    if (index >= bounds.totalFiles || bytes > bounds.totalBytes) removeFile(path);
  });
};

/** Whether appending must go on elsewhere: the part is full, or was removed. */
export const isUsedUp = ({ size, nlink }: Pick<Stats, 'size' | 'nlink'>, bounds: AuditBounds): boolean =>
  size >= bounds.fileBytes || nlink === 0;

const listFilesOf = (stateDir: string, sandbox: string): AuditFile[] =>
  listNames(join(auditFolder(stateDir), sandbox))
    .flatMap((name) => {
      const [, day, part] = /^(\d{4}-\d\d-\d\d)\.(\d{4,9})\.jsonl$/.exec(name) ?? [];
      if (day === undefined) return [];
      return [{ path: join(auditFolder(stateDir), sandbox, name), sandbox, day, part: Number(part) }];
    })
    .sort((a, b) => (a.day === b.day ? a.part - b.part : a.day < b.day ? -1 : 1));

const listNames = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
};

const checkedRegular = (fd: number, path: string): number => {
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw Object.assign(new Error(`EINVAL: not a regular file, open '${path}'`), { code: 'EINVAL' });
};

const removeFile = (path: string): void => {
  try {
    unlinkSync(path);
  } catch {
    // another run was faster
  }
};
