import { expect, test } from 'vitest';
import { parseLogin, renderStoredLogin } from '../../../src/credentials/stored-login.ts';

const source = '{"token":"old"}';
const renewed = { token: 'new' };

test.each([
  ['the client’s file as long as nothing was renewed', source, undefined, { token: 'old' }],
  ['what was renewed inside', source, renderStoredLogin(source, renewed), renewed],
  [
    'the client’s file once it has changed outside',
    '{"token":"newest"}',
    renderStoredLogin(source, renewed),
    { token: 'newest' },
  ],
  ['the client’s file if what was kept is broken', source, '{broken', { token: 'old' }],
  ['nothing if both are broken', '{broken', 'null', undefined],
])('a login begins with %s', (_, text, stored, expected) => expect(parseLogin(text, stored)).toEqual(expected));
