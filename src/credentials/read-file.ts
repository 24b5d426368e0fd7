import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** The text of a file of the operator's, or why there is none. */
export const readFileOf = async (path: string): Promise<{ readonly value: string } | { readonly lack: string }> => {
  try {
    // which waits for nobody where the path is a pipe
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const entry = await file.stat();
      if (entry.isDirectory()) return { lack: 'is a folder' };
      if (!entry.isFile()) return { lack: 'is not a plain file' };
      if (entry.size > mostBytes) return { lack: `is larger than ${mostBytes} bytes` };
      return { value: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = 'cannot be read' } = error as NodeJS.ErrnoException;
    return { lack: code === 'ENOENT' ? 'does not exist' : code };
  }
};

const mostBytes = 1024 ** 2;
