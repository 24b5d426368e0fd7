import type { AuditEvent } from '../../domain/audit.ts';
import { type AuditFile, listAuditFiles, readAuditPart } from './files.ts';

/** What is asked of the log. */
export interface AuditQuery {
  readonly stateDir: string;
  /** absent: every one */
  readonly sandboxes?: readonly string[];
  /** the newest so many that are wanted; absent: all */
  readonly last?: number;
  /** milliseconds since 1970 */
  readonly sinceMs?: number;
  readonly wanted: (event: AuditEvent) => boolean;
}

/** The events that a query asks for, in the order of their time. Throws Node's file-system errors. */
export const readAudit = (query: AuditQuery): AuditEvent[] => {
  const files = listAuditFiles(query.stateDir, query.sandboxes);
  const sandboxes = [...new Set(files.map(({ sandbox }) => sandbox))];
  const found = sandboxes.flatMap((sandbox) =>
    readNewest(
      files.filter((file) => file.sandbox === sandbox),
      query,
    ),
  );
  return newest(found, query);
};

/** Gives at the first call what the query asks for, and then what was appended since the call before. */
export interface AuditTail {
  readonly next: () => AuditEvent[];
}

/** Follows the log, new sandboxes and parts too. No line is given twice, none before it is whole. */
export const openAuditTail = (query: AuditQuery): AuditTail => {
  const offsets = new Map<string, number>();
  let first = true;
  return {
    next: () => {
      const files = listAuditFiles(query.stateDir, query.sandboxes);
      for (const path of [...offsets.keys()]) if (!files.some((file) => file.path === path)) offsets.delete(path);
      const events = files.flatMap(({ path }) => {
        const bytes = readWholeLines(path, offsets.get(path));
        offsets.set(path, (offsets.get(path) ?? 0) + bytes.length);
        return parseLines(bytes).filter(query.wanted);
      });
      const asked = newest(events, first ? query : {});
      first = false;
      return asked;
    },
  };
};

/** From the newest part back, until there are enough. */
const readNewest = (files: readonly AuditFile[], query: AuditQuery): AuditEvent[] => {
  const sinceDay = query.sinceMs === undefined ? '' : new Date(query.sinceMs).toISOString().slice(0, 10);
  let found: AuditEvent[] = [];
  for (const { path, day } of files.toReversed()) {
    if (found.length >= (query.last ?? Number.POSITIVE_INFINITY) || day < sinceDay) break;
    found = newest([...parseLines(readWholeLines(path)).filter(query.wanted), ...found], query);
  }
  return found;
};

const newest = (
  events: readonly AuditEvent[],
  { last, sinceMs }: Pick<AuditQuery, 'last' | 'sinceMs'>,
): AuditEvent[] => {
  const since = sinceMs === undefined ? '' : new Date(sinceMs).toISOString();
  return events
    .filter(({ time }) => time >= since)
    .toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    .slice(last === undefined ? 0 : -last);
};

/** Without the line that is just being written. */
const readWholeLines = (path: string, offset?: number): Buffer => {
  const bytes = readAuditPart(path, offset);
  return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
};

/** A line that was cut short by a full disk is passed over. */
const parseLines = (bytes: Buffer): AuditEvent[] =>
  bytes
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const event = JSON.parse(line) as Partial<AuditEvent> | null;
        return typeof event?.time === 'string' && typeof event.kind === 'string' ? [event as AuditEvent] : [];
      } catch {
        return [];
      }
    });
