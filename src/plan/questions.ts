import type { Invocation } from '../domain/invocation.ts';
import { isWithin, normalizePath, resolvePath } from '../domain/path.ts';
import type { DeclaredMount, Profile } from '../domain/profile.ts';

/** Host path of a declared mount's source. */
export const sourceOf = (mount: DeclaredMount, home: string): string => expandHome(mount.source, mount.base, home);

/**
 * Path inside of a declared mount: what was written as one below HOME lies below HOME inside, where that has another path. A shell that has
 * written the path out can have meant that of hidden files only, where HOME is the root or another of the system's folders.
 */
export const targetOf = (mount: DeclaredMount, home: string, inside = home): string => {
  const written = mount.target ?? mount.source;
  const target = expandHome(written, mount.target === undefined ? mount.base : '/', home);
  const below = home === '/' ? target : target.slice(home.length);
  const isOfHome = isWithin(target, home) && (/^~(\/|$)/.test(written) || below.startsWith('/.'));
  return isOfHome ? normalizePath(`${inside}${below}`) : target;
};

const expandHome = (path: string, base: string, home: string): string =>
  path === '~' || path.startsWith('~/') ? resolvePath(home, `.${path.slice(1)}`) : resolvePath(base, path);

/** Real paths of the sources that a command may write to beside the workspace. */
export const writableSources = (profile: Profile, invocation: Invocation, home: string): readonly string[] =>
  [...profile.mounts, ...invocation.mounts].filter(({ mode }) => mode === 'rw').map((mount) => sourceOf(mount, home));

/** Every path whose kind on the host the plan has to know: sources, targets that lie in another mount, values of variables. */
export const declaredPaths = (
  profile: Profile,
  invocation: Invocation,
  env: Readonly<Record<string, string>>,
  home: string,
): readonly string[] => {
  const mounts = [...profile.mounts, ...invocation.mounts].map((mount) => ({
    source: sourceOf(mount, home),
    target: targetOf(mount, home),
  }));
  const paths = new Set<string>();
  for (const { source, target } of mounts) {
    paths.add(source);
    paths.add(target);
    for (const cover of mounts) {
      if (cover.source !== cover.target && target !== cover.target && isWithin(target, cover.target)) {
        paths.add(resolvePath(cover.source, `.${target.slice(cover.target.length)}`));
      }
    }
  }
  for (const name of profile.env.passIfVisible) {
    const value = env[name];
    if (value?.startsWith('/')) paths.add(resolvePath('/', value));
  }
  return [...paths];
};
