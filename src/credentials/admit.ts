import type { Binding, CredentialUse, Placement } from '../domain/credential.ts';
import type { Admitted, BoundHost, Refusal, RequestHead } from '../domain/injection.ts';
import { usesAt } from './hosts.ts';

type Header = readonly [string, string];

/** Where a binding's secret may go in the request at hand. */
interface Place {
  readonly placement: Placement;
  readonly binding: Binding;
}

/**
 * What becomes of a request to a bound host: the secret takes the placeholder's place where that is declared; a placeholder elsewhere, or a request
 * that two readers could take for different ones, is refused; other credentials, which would act for somebody else, are removed.
 */
export const admitRequest = (
  request: RequestHead,
  destination: BoundHost,
  bindings: readonly Binding[],
  holdsPlaceholder: (text: string) => boolean,
): Admitted | Refusal => {
  const uses = usesAt(bindings, destination);
  const malformed = checkHead(request, destination);
  if (malformed !== undefined) return malformed;
  const places = uses.flatMap(({ binding, use }) => use.placements.map((placement) => ({ placement, binding })));
  const target = admitTarget(request.target, places, holdsPlaceholder);
  if (target === undefined) return misplaced('the address', destination);
  const headers: Header[] = [];
  for (const [name, value] of request.headers) {
    const swapped = swapHeader(name, value, places);
    if (swapped !== undefined) headers.push([name, swapped]);
    else if (holdsPlaceholder(value) || holdsPlaceholder(name)) {
      return misplaced(holdsPlaceholder(name) ? 'the name of a header' : `the header "${name}"`, destination);
    } else if (!isRemoved(name, places, uses)) headers.push([name, value]);
  }
  return { kind: 'admitted', target, headers, body: planBody(uses) };
};

/** A header of a response that must not come in: a session that a secret opened is one too. */
export const isSessionHeader = (name: string): boolean => /^set-cookie2?$/i.test(name);

/** The refusal of a placeholder where none may be. */
const misplaced = (where: string, { host }: BoundHost): Refusal => ({
  kind: 'refused',
  status: 403,
  reason: 'placeholder',
  sentence: `the placeholder of a credential is in ${where} of a request to ${host}, where it must not be`,
});

/** Headers by which a client says who it is. */
const credentialHeaders =
  /^(authorization|proxy-authorization|cookie2?|x-api-key|api-key|apikey|x-goog-api-key|x-auth-token|x-access-token|x-amz-security-token|private-token|job-token|deploy-token)$/i;

const isRemoved = (
  name: string,
  places: readonly Place[],
  uses: readonly { readonly use: CredentialUse }[],
): boolean => {
  if (credentialHeaders.test(name)) return true;
  if (/^(range|if-range)$/i.test(name)) return uses.length === 0 || uses.some(({ use }) => use.ranges !== 'pass');
  return places.some(({ placement }) => placement.kind === 'header' && sameName(placement.header, name));
};

const planBody = (uses: readonly { readonly use: CredentialUse }[]): Admitted['body'] => {
  return uses.length > 0 && uses.every(({ use }) => use.body === 'pass') ? 'pass' : 'scan';
};

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** RFC 9110 and RFC 9112, without anything that is merely tolerated. */
const checkHead = (request: RequestHead, destination: BoundHost): Refusal | undefined => {
  const count = (name: string): number => request.headers.filter(([other]) => sameName(other, name)).length;
  const wrong = (sentence: string, status = 400): Refusal => ({
    kind: 'refused',
    status,
    reason: 'malformed',
    sentence,
  });
  if (/^(trace|track|connect)$/i.test(request.method)) return wrong(`the method ${request.method} is not passed`, 405);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(request.method)) return wrong('the method is not a token');
  if (!/^\/[\x21\x22\x24-\x7e]*$/.test(request.target) && !(request.target === '*' && request.method === 'OPTIONS'))
    return wrong('the address of the request is not a path of printable ASCII characters');
  const doubled = ['host', 'authorization', 'content-length', 'transfer-encoding', 'x-api-key', 'x-goog-api-key'].find(
    (name) => count(name) > 1,
  );
  if (doubled !== undefined) return wrong(`the request has two headers "${doubled}"`);
  if (count('host') === 0) return wrong('the request names no host');
  if (count('content-length') + count('transfer-encoding') > 1)
    return wrong('the request has both Content-Length and Transfer-Encoding');
  const other = request.headers.find(([name, value]) => sameName(name, 'host') && !isHost(value, destination));
  if (other === undefined) return undefined;
  return {
    kind: 'refused',
    status: 421,
    reason: 'name-mismatch',
    sentence: `the request names another host than ${destination.host}, to which the connection leads`,
  };
};

/** Whether a Host header or :authority means this destination. */
const isHost = (value: string, { host, port }: BoundHost): boolean => {
  const text = value.toLowerCase();
  return text === `${host.toLowerCase()}:${port}` || (port === 443 && text === host.toLowerCase());
};

/** The header with the secret in it; undefined if it holds no placeholder in its declared form. */
const swapHeader = (name: string, value: string, places: readonly Place[]): string | undefined => {
  for (const { placement, binding } of places) {
    const swapped =
      placement.kind === 'header' && sameName(placement.header, name)
        ? swapScheme(value, placement.scheme, binding)
        : placement.kind === 'basic' && sameName(name, 'authorization')
          ? swapBasic(value, binding)
          : undefined;
    if (swapped !== undefined) return swapped;
  }
  return undefined;
};

const swapScheme = (
  value: string,
  scheme: string | undefined,
  { placeholder, secret }: Binding,
): string | undefined => {
  if (scheme === undefined) return value === placeholder ? secret.reveal() : undefined;
  const [word, rest] = [value.slice(0, scheme.length), value.slice(scheme.length)];
  return sameName(word, scheme) && rest === ` ${placeholder}` ? `${word} ${secret.reveal()}` : undefined;
};

const swapBasic = (value: string, { placeholder, secret }: Binding): string | undefined => {
  const [, word, encoded] = /^(basic) ([A-Za-z0-9+/]+={0,2})$/i.exec(value) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('latin1');
  const colon = text.indexOf(':');
  const [user, password] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 0 || (user !== placeholder) === (password !== placeholder)) return undefined;
  const swapped = user === placeholder ? `${secret.reveal()}:${password}` : `${user}:${secret.reveal()}`;
  return `${word} ${Buffer.from(swapped, 'latin1').toString('base64')}`;
};

/** The target with the secret in a declared parameter; undefined if a placeholder is elsewhere in it, however it is escaped. */
const admitTarget = (
  target: string,
  places: readonly Place[],
  holdsPlaceholder: (text: string) => boolean,
): string | undefined => {
  const declared = places.flatMap(({ placement, binding }) =>
    placement.kind === 'query' ? [{ name: placement.name, binding }] : [],
  );
  const [path = '', ...rest] = target.split('?');
  const parts = rest.length === 0 ? [] : rest.join('?').split('&');
  const kept: string[] = [];
  const swapped: string[] = [];
  for (const part of parts) {
    const equals = part.indexOf('=');
    const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    const own = declared.filter((place) => place.name === unescapeOnce(name));
    const match = own.find(({ binding }) => unescapeOnce(value) === binding.placeholder);
    if (match !== undefined) swapped.push(`${match.name}=${encodeURIComponent(match.binding.secret.reveal())}`);
    else if (own.length === 0 || holdsPlaceholder(value)) kept.push(part);
  }
  const plain = rest.length === 0 ? path : `${path}?${kept.join('&')}`;
  if (swapped.length > 1 || escapes(plain).some(holdsPlaceholder)) return undefined;
  return swapped.length === 0 ? plain : `${path}?${[...kept, ...swapped].join('&')}`;
};

/** A text, unescaped up to three times. */
const escapes = (text: string): string[] => {
  const once = unescapeOnce(text);
  const twice = unescapeOnce(once);
  return [text, once, twice, unescapeOnce(twice)];
};

/** Percent signs that begin no escape stay; never throws. */
const unescapeOnce = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
