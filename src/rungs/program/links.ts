import type { Plan } from '../../domain/plan.ts';
import { AT_FDCWD } from '../../syscall/constants.ts';
import type { Program } from '../../syscall/program.ts';
import { openPath } from './open-path.ts';
import { TargetTree } from './targets.ts';

/** The planned links in the sandbox's own folders: to what was declared below the real HOME, and to tools. */
export const linkFolders = (program: Program, plan: Plan): void => {
  const all = plan.mounts.filter((mount) => mount.kind === 'link');
  // what lies behind another link is shown by that
  const links = all.filter(({ target }) => !all.some((other) => target.startsWith(`${other.target}/`)));
  const folders = new Map<string, TargetTree>();
  for (const { target, text } of links) {
    const folder = [plan.home, plan.runFolder].find((path) => path !== undefined && target.startsWith(`${path}/`));
    if (folder === undefined) continue;
    program.goal = `link "${target}"`;
    const tree = folders.get(folder) ?? openTree(program, folder);
    folders.set(folder, tree);
    tree.link(target.slice(folder.length), text);
  }
};

const openTree = (program: Program, folder: string): TargetTree => {
  const tree = new TargetTree(program, openPath(program, AT_FDCWD, folder));
  tree.untrusted('');
  return tree;
};
