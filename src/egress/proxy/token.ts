import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The name that goes with the token, wherever a client presents both. */
export const tokenUser = 'sbox';

/** Whether a request has `Proxy-Authorization: Basic` with the token. Without a token nothing is presented. */
export const presentsToken = (token: string | undefined, headers: IncomingHttpHeaders): boolean => {
  const [, encoded] = /^basic +([A-Za-z0-9+/=]+)$/i.exec(headers['proxy-authorization'] ?? '') ?? [];
  if (encoded === undefined) return false;
  const [user, ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return isToken(token, user ?? '', password.join(':'));
};

/** Compares in a time that tells nothing about the token. */
export const isToken = (token: string | undefined, user: string, password: string): boolean =>
  token !== undefined && timingSafeEqual(digest(`${tokenUser}:${token}`), digest(`${user}:${password}`));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
