import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { HostEntry } from '../domain/facts.ts';

/** Where programs and libraries live (hier(7)); on NixOS and Guix in the store. */
const systemDirectories = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/nix/store',
  '/run/current-system',
  '/gnu/store',
];

/**
 * What programs need of /etc, and nothing that tells of accounts, keys, hosts or the machine: no shadow, sudoers, ssh, machine-id,
 * fstab, crontab, no client configuration that may hold a token.
 */
const etcEntries = [
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'ld-musl-x86_64.path',
  'ld-musl-aarch64.path',
  'alternatives',
  'ssl/certs',
  'ssl/openssl.cnf',
  'ssl/cert.pem',
  'ca-certificates',
  'ca-certificates.conf',
  'pki/tls/certs',
  'pki/tls/cert.pem',
  'pki/tls/openssl.cnf',
  'pki/ca-trust',
  'crypto-policies',
  'gnutls/config',
  'nsswitch.conf',
  'host.conf',
  'gai.conf',
  'services',
  'protocols',
  'rpc',
  'networks',
  'ethertypes',
  'localtime',
  'timezone',
  'locale.alias',
  'locale.conf',
  'default/locale',
  'terminfo',
  'inputrc',
  'wgetrc',
  'vimrc',
  'vim',
  'nanorc',
  'lesskey',
  'bash.bashrc',
  'bashrc',
  'profile',
  'profile.d',
  'zsh',
  'zshrc',
  'zshenv',
  'zprofile',
  'shells',
  'skel',
  'DIR_COLORS',
  'mime.types',
  'magic',
  'magic.mime',
  'mailcap',
  'fonts',
  'papersize',
  'manpath.config',
  'man_db.conf',
  'os-release',
  'lsb-release',
  'debian_version',
  'redhat-release',
  'fedora-release',
  'system-release',
  'alpine-release',
  'arch-release',
  'issue',
  'perl',
  'python2.7',
  'python3',
  'python3.9',
  'python3.10',
  'python3.11',
  'python3.12',
  'python3.13',
  'python3.14',
  'ruby',
  'lua',
  'java',
  'java-8-openjdk',
  'java-11-openjdk',
  'java-17-openjdk',
  'java-21-openjdk',
  'java-25-openjdk',
  'jvm',
  'emacs',
  'php',
  'erlang',
  'mono',
  'dotnet',
];

/** Processor topology: what os.cpus(), nproc(1) and runtimes read to size themselves. */
const sysEntries = ['/sys/devices/system/cpu', '/sys/devices/system/node'];

export const probeSystem = (): HostEntry[] => probeEntries(systemDirectories);
export const probeSys = (): HostEntry[] => probeEntries(sysEntries);

export const probeEtc = (): HostEntry[] => {
  const present = new Set(listNames('/etc'));
  return probeEntries(etcEntries.filter((name) => present.has(topOf(name))).map((name) => `/etc/${name}`));
};

const topOf = (name: string): string => (name.includes('/') ? name.slice(0, name.indexOf('/')) : name);

const listNames = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const probeEntries = (paths: readonly string[]): HostEntry[] =>
  paths.flatMap((path): HostEntry[] => {
    const entry = lstatSync(path, { throwIfNoEntry: false });
    if (entry?.isSymbolicLink()) return [{ path, kind: 'link', text: readlinkSync(path) }];
    if (entry?.isDirectory()) return [{ path, kind: 'dir' }];
    return entry?.isFile() ? [{ path, kind: 'file' }] : [];
  });
