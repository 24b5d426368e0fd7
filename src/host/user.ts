import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Facts } from '../domain/facts.ts';

/** Who runs sbox; a uid without an entry in the user database gets its number as a name. */
export const probeUser = (env: Facts['env']): Facts['user'] => {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const entry = probeEntry();
  return {
    uid,
    gid,
    kernelRoot: uid === 0 && isMappedToItself(),
    name: plainName(entry?.username) ?? plainName(env['USER']) ?? `u${uid}`,
    group: probeGroupName(gid) ?? `g${gid}`,
    shell: env['SHELL']?.startsWith('/') ? env['SHELL'] : (entry?.shell ?? '/bin/sh'),
  };
};

/** Whether uid 0 of this user namespace is uid 0 outside of all (user_namespaces(7)). */
const isMappedToItself = (): boolean => {
  try {
    return /^\s*0\s+0\s/m.test(readFileSync('/proc/self/uid_map', 'utf8'));
  } catch {
    return true;
  }
};

/** What may stand in a field of passwd(5). */
const plainName = (name: string | undefined): string | undefined =>
  name !== undefined && /^[\w.$@-]{1,64}$/.test(name) ? name : undefined;

const probeEntry = () => {
  try {
    return userInfo();
  } catch {
    return undefined; // the uid has no entry, as in a container started with --user
  }
};

const probeGroupName = (gid: number): string | undefined => {
  try {
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((text) => text.split(':')[2] === String(gid));
    return plainName(line?.split(':')[0]);
  } catch {
    return undefined;
  }
};
