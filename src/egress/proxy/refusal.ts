import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { renderAuthority } from '../../domain/address.ts';
import type { Decision, DecisionReason } from '../../domain/decision.ts';
import type { Dialled } from '../egress.ts';

/** An answer of the proxy's own. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** one sentence, with its line's end */
  readonly body: string;
}

/** A refused request, with what would allow it. */
export const refusal = (decision: Decision): Answer => {
  const { sentence, fix, reason } = decision;
  const hint = fix === undefined || sentence.includes(fix) ? '' : ` (to allow it: ${fix})`;
  return answer(403, `${sentence}${hint}`, { 'x-sbox-decision': `deny; reason=${reason}` });
};

/** An allowed host that could not be reached. */
export const failure = ({ decision, code, message }: Dialled & { kind: 'failed' }): Answer => {
  const { host, port } = decision;
  return answer(
    code === 'ETIMEDOUT' ? 504 : 502,
    `cannot reach ${renderAuthority(host)}:${port}: ${message} (${code})`,
  );
};

/** A request that no server would take as it is meant. */
export const badRequest = (sentence: string, status = 400): Answer => answer(status, sentence);

/** What a client without the token is told. */
export const tokenRequired = (): Answer =>
  answer(407, 'this proxy serves one sandbox, and the token is missing or wrong', {
    'proxy-authenticate': 'Basic realm="sbox"',
  });

/** A decision that was made where the name alone did not tell enough. */
export const denied = (decision: Decision, reason: DecisionReason, sentence: string): Decision => {
  const { host, port, protocol } = decision;
  return { verdict: 'deny', reason, host, port, protocol, sentence };
};

/** Another name inside a connection than the one that was allowed. */
export const nameMismatch = (decision: Decision, what: string, name: string): Decision =>
  denied(
    decision,
    'name-mismatch',
    `the ${what} "${printable(name)}" differs from the host "${decision.host}" that the connection was made to`,
  );

export const placeholderLeak = (decision: Decision): Decision =>
  denied(
    decision,
    'placeholder',
    `a credential's placeholder must not be sent to ${renderAuthority(decision.host)}:${decision.port} in the clear`,
  );

/** Answers on a bare socket, and closes it. The reason phrase repeats the sentence: many clients show nothing else of it. */
export const answerAndClose = (socket: Socket, { status, headers, body }: Answer): void => {
  const fields = { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const phrase = `${STATUS_CODES[status]}: ${body.trim()}`.slice(0, 300);
  socket.end(`HTTP/1.1 ${status} ${phrase.replace(/[^\x20-\x7e]/g, '?')}\r\n${lines.join('')}\r\n${body}`);
  // what the client still sends is read, or its answer would be lost in a reset
  socket.resume();
  closeLater(socket);
};

const closeLater = (socket: Socket): void => {
  const timer = setTimeout(() => socket.destroy(), 2_000).unref();
  socket.once('end', () => socket.destroySoon()).once('close', () => clearTimeout(timer));
};

const answer = (status: number, sentence: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
  body: `${printable(sentence)}\n`,
});

/** A name comes from the client, and the answer may be printed on a terminal. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
