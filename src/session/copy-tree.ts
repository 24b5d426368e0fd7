import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK, COPYFILE_EXCL, COPYFILE_FICLONE } = constants;

/** open(2); Node does not name it */
const O_PATH = 0o10000000;

/**
 * Copies a file or a directory to a path that does not exist yet: contents by reflink where the file system can (ioctl_ficlone(2)),
 * permissions, links as links. Sockets, pipes and devices are left out. The source may be changing under a hostile hand: every
 * name is opened relative to its open parent (/proc/self/fd/N/name) and no link is followed. Throws Node's file-system errors.
 */
export const copyTree = (source: string, target: string): void => {
  const parent = openParent(source);
  try {
    copyName(join(`/proc/self/fd/${parent}`, basename(source)), target);
  } finally {
    closeSync(parent);
  }
};

/** The folder of an absolute path without links, opened component by component so that none can be slipped in. */
const openParent = (path: string): number => {
  let folder = openSync('/', O_PATH | O_DIRECTORY);
  for (const name of dirname(path).split('/').filter(Boolean)) {
    const above = folder;
    try {
      folder = openSync(join(`/proc/self/fd/${above}`, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    } finally {
      closeSync(above);
    }
  }
  return folder;
};

const copyName = (source: string, target: string): void => {
  const entry = lstatSync(source);
  if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
  if (!entry.isDirectory() && !entry.isFile()) return;
  const fd = openSync(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (entry.isDirectory() ? O_DIRECTORY : 0));
  try {
    const { mode } = fstatSync(fd);
    const open = `/proc/self/fd/${fd}`;
    if (entry.isDirectory()) copyEntries(open, target, mode & 0o7777);
    else if (fstatSync(fd).isFile()) copyContent(open, target, mode & 0o777);
  } finally {
    closeSync(fd);
  }
};

const copyEntries = (folder: string, target: string, mode: number): void => {
  mkdirSync(target, { mode: 0o700 });
  for (const name of readdirSync(folder)) copyName(join(folder, name), join(target, name));
  setMode(target, mode | 0o700, O_DIRECTORY);
};

const copyContent = (file: string, target: string, mode: number): void => {
  copyFileSync(file, target, COPYFILE_EXCL | COPYFILE_FICLONE);
  setMode(target, mode | 0o600, 0);
};

const setMode = (path: string, mode: number, flags: number): void => {
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW | flags);
  try {
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
};
