import { readFileSync } from 'node:fs';

/** Whether something is mounted over parts of /proc, as containers do it; the kernel gives no fresh one then (mount_too_revealing()). */
export const probeMaskedProc = (): boolean =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => /^\/proc\/(?!sys\/fs\/binfmt_misc$)/.test(line.split(' ')[4] ?? ''));
