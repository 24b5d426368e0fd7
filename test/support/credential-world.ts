import { readFileSync } from 'node:fs';
import { fixture } from './compile.ts';
import { openEchoService } from './echo-service.ts';
import { aWorkspace, type User, type Workspace } from './sbox.ts';
import type { TlsService } from './tls-service.ts';

/** The real value, which no sandbox may see. */
export const secret = 'sk-ant-api03-Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0-Ke_uTsAaWq';

/** The secret in every form that one can read it from. */
const forms = [
  secret,
  secret.toUpperCase(),
  Buffer.from(secret).toString('hex'),
  ...[0, 1, 2].map((before) =>
    Buffer.from(`${' '.repeat(before)}${secret}`)
      .toString('base64')
      .slice(4, -4),
  ),
];
export const holdsSecret = (text: string): boolean => forms.some((form) => text.includes(form));
/** A text as a server reads it: unescaped, or put together from chunks of one byte. */
export const readings = (text: string): string[] => [
  text,
  text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
  text.replace(/\r\n1\r\n/g, ''),
];

export interface CredentialWorld extends AsyncDisposable {
  readonly workspace: Workspace & { readonly env: Readonly<Record<string, string>> };
  /** the document that declares the credential, outside of the workspace */
  readonly config: string;
  /** in the workspace: fixtures of attacks */
  readonly steal: string;
  readonly find: string;
  readonly api: TlsService;
  readonly other: TlsService;
}

/** A credential for `api.test:443` alone, and two services: that one, also reached by other ports, and one of another name. */
export const aCredentialWorld = async (as: User): Promise<CredentialWorld> => {
  const workspace = aWorkspace(as);
  const [api, other] = await Promise.all([
    openEchoService(['api.test', 'other.test']),
    openEchoService(['other.test']),
  ]);
  const credential = { name: 'test-api', sources: [{ env: 'REAL_KEY' }], env: 'KEY', hosts: ['api.test'] };
  const hosts = { 'api.test': `127.0.0.1:${api.port}`, 'other.test': `127.0.0.1:${other.port}` };
  const allow = ['api.test', 'api.test:8443', 'other.test'];
  const config = workspace.write(
    `${workspace.base}/credentials.json`,
    JSON.stringify({ extends: 'default', credentials: [credential], network: { mode: 'limited', allow, hosts } }),
  );
  const ca = workspace.write(`${workspace.base}/ca.pem`, `${api.certificatePem}${other.certificatePem}`);
  const env = { REAL_KEY: secret, NODE_EXTRA_CA_CERTS: ca };
  const steal = workspace.write('steal.mjs', readFileSync(fixture('escape/steal-credential.mjs')));
  const find = workspace.write('find.py', readFileSync(fixture('escape/find-secret.py')));
  const close = () => Promise.all([api[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  return {
    ...{ workspace: { ...workspace, env }, config, steal, find, api, other },
    [Symbol.asyncDispose]: async () => void (await close()),
  };
};
