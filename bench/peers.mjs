import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from './measure.mjs';

export const srtScript = fileURLToPath(
  new URL('peers/node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js', import.meta.url),
);

/**
 * What runs a command in some kind of sandbox, if it is installed: `wrap(argv, cwd)` is the whole command. Each gets what it needs to run the
 * same command in the same folder, and no more; they hide and enforce less than sbox, each in its own way.
 */
export const findPeers = (folder) => {
  const peers = [
    peer('bwrap', ['bwrap'], (bwrap) => ({
      version: [bwrap, '--version'],
      wrap: (argv, cwd) => [bwrap, ...bwrapOptions, '--bind', cwd, cwd, '--', ...argv],
    })),
    peer('firejail', ['firejail'], (firejail) => ({
      version: [firejail, '--version'],
      wrap: (argv) => [firejail, '--noprofile', '--quiet', '--net=none', '--private-dev', '--', ...argv],
    })),
    peer('srt', ['bwrap', 'socat', 'rg', 'node'], () => {
      if (!existsSync(srtScript)) return undefined;
      const settings = writeSettings(folder);
      return {
        version: [process.execPath, srtScript, '--version'],
        wrap: (argv) => [process.execPath, srtScript, '--settings', settings, ...argv],
      };
    }),
    peer('proot', ['proot'], (proot) => ({
      version: [proot, '--version'],
      wrap: (argv, cwd) => [proot, '-r', '/', '-w', cwd, ...argv],
    })),
    peer('crun', ['crun'], (crun) => ({ version: [crun, '--version'], wrap: crunWrap(crun, folder) })),
  ];
  return {
    found: peers.filter(({ wrap }) => wrap !== undefined),
    missing: peers.filter(({ wrap }) => wrap === undefined).map(({ name }) => name),
  };
};

const peer = (name, programs, make) => {
  const paths = programs.map(findProgram);
  return { name, ...(paths.includes(undefined) ? {} : make(...paths)) };
};

const bwrapOptions = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'];

/** Writes to the working folder, reads everything, may reach one domain. */
export const writeSettings = (folder, domain = 'example.com') => {
  const file = join(folder, `srt-${domain}.json`);
  const settings = {
    network: { allowedDomains: [domain], deniedDomains: [] },
    filesystem: { denyRead: [], allowWrite: ['.'], denyWrite: [] },
  };
  writeFileSync(file, JSON.stringify(settings));
  return file;
};

/** A bundle with little more than the runtime demands: system folders and Node's read-only, the working folder, namespaces of its own. */
const crunWrap = (crun, folder) => {
  let bundles = 0;
  return (argv, cwd) => {
    const bundle = join(folder, `bundle-${++bundles}`);
    mkdirSync(join(bundle, 'rootfs'), { recursive: true });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(crunConfig(argv, cwd)));
    return [crun, '--cgroup-manager=disabled', 'run', '--bundle', bundle, `sbox-bench-${process.pid}-%n%`];
  };
};

const crunConfig = (argv, cwd) => {
  const folders = ['/usr', '/bin', '/lib', '/lib64', '/etc', dirname(process.execPath)].filter((path) =>
    existsSync(path),
  );
  const bind = (path, mode) => ({ destination: path, type: 'bind', source: path, options: ['rbind', mode] });
  return {
    ociVersion: '1.0.0',
    process: { terminal: false, user: { uid: 0, gid: 0 }, args: argv, env: [`PATH=${process.env.PATH}`], cwd },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      ...folders.map((path) => bind(path, 'ro')),
      bind(cwd, 'rw'),
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })) },
  };
};
