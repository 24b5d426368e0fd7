import picocolors from 'picocolors';
import { parseAddress, renderAuthority } from '../domain/address.ts';
import type { AuditDecision, AuditEvent } from '../domain/audit.ts';
import { printable } from '../domain/printable.ts';
import { reasonWords } from '../domain/refusals.ts';

/** An event as one line for a person, in local time; nothing in it can move a terminal's cursor. */
export const renderEvent = (
  event: AuditEvent,
  options: { readonly color: boolean; readonly sandbox: boolean },
): string => {
  const paint = picocolors.createColors(options.color);
  const sandbox = options.sandbox ? `${paint.dim(printable(String(event.sandbox), 64).padEnd(24))}  ` : '';
  const [word, text] = describe(event);
  const verdict = word.padEnd(7);
  const painted =
    word === 'denied' ? paint.red(verdict) : word === 'allowed' ? paint.green(verdict) : paint.bold(verdict);
  return `${paint.dim(localTime(event.time))}  ${sandbox}${painted}  ${text}`.trimEnd();
};

const describe = (event: AuditEvent): readonly [word: string, text: string] => {
  switch (event.kind) {
    case 'decision':
      return [verdictWords[event.verdict], describeDecision(event)];
    case 'run-start': {
      const how = `${event.rung}, network ${event.network}`;
      return ['start', `${shown(event.program)} in "${shown(event.workspace)}" (${how}), run ${shown(event.run)}`];
    }
    case 'run-end': {
      const how = event.timedOut ? ', its time was up' : '';
      const status = event.signal === undefined ? `exit code ${event.exitCode}` : shown(event.signal);
      return ['end', `${status} after ${renderDuration(event.durationMs)}${how}, run ${shown(event.run)}`];
    }
    case 'approval':
    case 'credential':
      return [verdictWords[event.verdict], `${event.kind} ${shown(event.subject)}: ${shown(event.reason)}`];
    default: // written by a younger sbox
      return ['?', shown(JSON.stringify(event))];
  }
};

const verdictWords = { allow: 'allowed', deny: 'denied' } as const;

const shown = (text: unknown): string => printable(String(text));

const describeDecision = (decision: AuditDecision): string => {
  const { host, port, protocol, verdict, reason, source, bytesOut, bytesIn, durationMs, error, count } = decision;
  const traffic = `${renderBytes(bytesOut)} out, ${renderBytes(bytesIn)} in, ${renderDuration(durationMs)}`;
  const words = [
    verdict === 'allow' ? traffic : (reasonWords[reason] ?? shown(reason)),
    ...(count === undefined || count === 1 ? [] : [`${count} times`]),
    ...(error === undefined ? [] : [`failed: ${shown(error)}`]),
    ...(source === undefined ? [] : [`by ${shown(source)}`]),
  ];
  return `${`${parseAddress(host) === undefined ? shown(host) || '""' : renderAuthority(host)}:${port}`.padEnd(32)}  ${shown(protocol).padEnd(11)}  ${words.join('; ')}`;
};

const renderBytes = (bytes: number): string => {
  const power = Math.min(4, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return power === 0 ? `${bytes} B` : `${(bytes / 1000 ** power).toFixed(1)} ${' kMGT'[power]}B`;
};

const renderDuration = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

const localTime = (iso: string): string => {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return shown(iso).slice(0, 19).padEnd(19);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
};
