import type { Plan } from '../domain/plan.ts';

/** Host folders that a plan's command can write to. */
export const writableFolders = ({ mounts, sandbox }: Plan): string[] => [
  sandbox.folder,
  ...mounts.flatMap((mount) => (mount.kind === 'bind' && mount.access === 'rw' ? [mount.source] : [])),
];
