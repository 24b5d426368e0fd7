import {
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NONBLOCK } = constants;
const asFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/**
 * Writes a file below a folder that a command of an earlier run could change: no link on the way is followed, each folder is opened from
 * the one before (proc_pid_fd(5)). `render` gets the former content, if there is a readable file; if it gives none, the file is removed. Throws
 * Node's error if something is in the way.
 */
export const writeBelow = (
  root: string,
  path: string,
  render: (before: string | undefined) => string | undefined,
): void => {
  const names = path.split('/');
  const name = names.pop() ?? '';
  let folder = openSync(root, asFolder);
  try {
    for (const part of names) {
      const next = openFolder(`/proc/self/fd/${folder}/${part}`);
      closeSync(folder);
      folder = next;
    }
    const place = `/proc/self/fd/${folder}/${name}`;
    const content = render(readPlain(place));
    if (content === undefined) {
      rmSync(place, { force: true });
      return;
    }
    const temporary = `${place}.${process.pid}.tmp`;
    rmSync(temporary, { force: true });
    const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      fchmodSync(file, 0o600);
      writeFileSync(file, content);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, place);
  } finally {
    closeSync(folder);
  }
};

const openFolder = (path: string): number => {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return openSync(path, asFolder);
};

const mostBytes = 1024 * 1024;

const readPlain = (path: string): string | undefined => {
  let file: number;
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined; // none yet, or a link: it is replaced
  }
  try {
    return readFileSync(file).subarray(0, mostBytes).toString('utf8');
  } catch {
    return undefined; // a folder, a pipe
  } finally {
    closeSync(file);
  }
};
