import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join, normalize } from 'node:path';
import { afterEach } from 'vitest';
import { openAuthority } from '../../src/egress/tls/authority.ts';
import type { Workspace } from './workspace.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const listen = async (server: Server): Promise<number> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** Servers on loopback that stand for names of the internet. */
export interface Sites {
  /** the profile that maps the names to them, by its name */
  readonly profile: string;
  /** a file with the certificate of who signs for `tls.test` */
  readonly ca: string;
  /** `METHOD host path` of every request that arrived, with the server that it came to */
  readonly requests: readonly string[];
  readonly connections: () => number;
}

/**
 * `plain.test` (HTTP), `tls.test` (TLS), `other.test` (HTTP), `raw.test` (greets with "hello", and echoes). Each answers "NAME says hello";
 * `/elsewhere` leads to `other.test`, `/repo.git` is a repository.
 */
export const openSites = async (workspace: Workspace): Promise<Sites> => {
  const requests: string[] = [];
  const repository = aRepository(workspace);
  let connections = 0;
  const answering =
    (name: string): RequestListener =>
    (request, response) => {
      requests.push(`${name}: ${request.method} ${request.headers.host} ${request.url}`);
      const path = (request.url ?? '').split('?')[0] ?? '';
      if (path === '/elsewhere') return void response.writeHead(302, { location: 'http://other.test/' }).end();
      if (!path.startsWith('/repo.git/')) return void response.end(`${name} says hello\n`);
      try {
        response.end(readFileSync(join(repository, normalize(path))));
      } catch {
        response.writeHead(404).end();
      }
    };
  const authority = openAuthority({ hosts: ['tls.test', 'other.test'] });
  const tls = createTlsServer(
    { SNICallback: (name, done) => done(null, authority.contextFor(name)) },
    answering('tls.test'),
  );
  tls.on('tlsClientError', () => {});
  const servers = {
    'plain.test': createServer(answering('plain.test')),
    'tls.test': tls,
    'other.test': createServer(answering('other.test')),
    'raw.test': createTcpServer((socket) => void socket.on('error', () => {}).end('hello')),
  };
  const hosts: Record<string, string> = {};
  for (const [name, server] of Object.entries(servers)) {
    server.on('connection', () => connections++);
    hosts[name] = `127.0.0.1:${await listen(server)}`;
  }
  workspace.write(join(workspace.configHome, 'sbox/profiles/sites.json'), JSON.stringify({ network: { hosts } }));
  const ca = workspace.write(join(workspace.base, 'ca/ca.pem'), authority.certificatePem);
  return { profile: 'sites', ca, requests, connections: () => connections };
};

/** A repository with one file, as any web server can offer it (git-update-server-info(1)). */
const aRepository = (workspace: Workspace): string => {
  const folder = workspace.mkdir(join(workspace.base, 'site'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.test', '-c', 'init.defaultBranch=main', ...args], {
      cwd: folder,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    });
  git('init', 'work');
  git('-C', 'work', 'commit', '--allow-empty', '-m', 'the only one');
  git('clone', '--bare', 'work', 'repo.git');
  git('-C', 'repo.git', 'update-server-info');
  return folder;
};
