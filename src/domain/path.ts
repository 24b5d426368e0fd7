/** An absolute path without `.`, `..` and double slashes; lexical, as paths of the plan are compared. */
export const normalizePath = (path: string): string => {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
};

/** A path as it is meant from `folder`. */
export const resolvePath = (folder: string, path: string): string =>
  normalizePath(path.startsWith('/') ? path : `${folder}/${path}`);

/** True if a path is `folder` or lies below it; both absolute and normal. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || folder === '/' || path.startsWith(`${folder}/`);

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

export const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
