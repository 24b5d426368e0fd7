import { isWithin, normalizePath } from './path.ts';

/** What may be read and run outside of the sandbox: nothing that its command could have written, which would act with the operator's rights. */
export interface Outside {
  /** whether neither an absolute path nor what it leads to lies where the command can write */
  readonly isTrusted: (path: string) => boolean;
  /** the operator's environment for a program: PATH without folders that the command can write to, nothing that loads code */
  readonly env: Readonly<Record<string, string>>;
  /** the trusted program of an absolute path, or the first of a name along PATH */
  readonly find: (program: string) => string | undefined;
}

/** How the host's files are looked at. */
export interface OutsideLook {
  /** a path without links; throws if it leads nowhere */
  readonly realPath: (path: string) => string;
  /** throws or is false if it is none */
  readonly isProgram: (path: string) => boolean;
}

/** `untrusted`: real paths of folders that the command can write to. */
export const openOutside = (
  env: Readonly<Record<string, string | undefined>>,
  untrusted: readonly string[],
  { realPath, isProgram }: OutsideLook,
): Outside => {
  const isOutside = (path: string): boolean => !untrusted.some((folder) => isWithin(path, folder));
  const isTrusted = (path: string): boolean =>
    path.startsWith('/') && isOutside(normalizePath(path)) && holds(() => isOutside(realPath(path)));
  const folders = (env['PATH'] ?? '').split(':').filter(isTrusted);
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !loadsCode.test(entry[0]),
  );
  const find = (program: string): string | undefined => {
    const places = program.includes('/') ? [program] : folders.map((folder) => `${folder}/${program}`);
    return places.find((path) => isTrusted(path) && holds(() => isProgram(path)));
  };
  return { isTrusted, env: { ...Object.fromEntries(kept), PATH: folders.join(':') }, find };
};

/** What loads code, from wherever it says, and the project that `npm run` and `npx` name: its .npmrc would be read. */
const loadsCode =
  /^(NODE_OPTIONS|NODE_PATH|LD_.*|PYTHON.*|PERL5.*|RUBY(OPT|LIB)|BASH_ENV|ENV|npm_config_local_prefix)$/i;

const holds = (look: () => boolean): boolean => {
  try {
    return look();
  } catch {
    return false;
  }
};
