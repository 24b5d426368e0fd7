import type { IncomingHttpHeaders } from 'node:http';

/** The name that goes with the token, wherever a client presents both. */
export const tokenUser = 'sbox';

/** What opens the proxy to a client that the broker did not announce. */
export interface Token {
  readonly isPresented: (user: string, password: string) => boolean;
}

/** Compares in a time that tells nothing about the token. node:crypto takes 3 ms to load, for a rung alone that has no broker. */
export const openToken = async (token: string): Promise<Token> => {
  const { createHash, timingSafeEqual } = await import('node:crypto');
  const digest = (user: string, password: string) => createHash('sha256').update(`${user}:${password}`).digest();
  const expected = digest(tokenUser, token);
  return { isPresented: (user, password) => timingSafeEqual(expected, digest(user, password)) };
};

/** Whether a request has `Proxy-Authorization: Basic` with the token. Without a token nothing is presented. */
export const presentsToken = (token: Token | undefined, headers: IncomingHttpHeaders): boolean => {
  const [, encoded] = /^basic +([A-Za-z0-9+/=]+)$/i.exec(headers['proxy-authorization'] ?? '') ?? [];
  if (encoded === undefined || token === undefined) return false;
  const [user, ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return token.isPresented(user ?? '', password.join(':'));
};
