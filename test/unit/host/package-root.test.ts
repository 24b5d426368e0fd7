import { describe, expect, test } from 'vitest';
import { findPackageRoot, findTreeOfBin, type Look } from '../../../src/host/package-root.ts';

const home = '/home/ann';

/** A host on which these paths exist; what ends in a slash is a directory, and so is everything above a path. */
const looking = (...paths: readonly string[]): Look => {
  const directories = new Set<string>();
  const all = new Set<string>();
  for (const path of paths) {
    const plain = path.replace(/\/$/, '');
    all.add(plain);
    if (path.endsWith('/')) directories.add(plain);
    for (let at = plain.lastIndexOf('/'); at > 0; at = plain.lastIndexOf('/', at - 1)) {
      directories.add(plain.slice(0, at));
      all.add(plain.slice(0, at));
    }
  }
  return { home, isDirectory: (path) => directories.has(path), exists: (path) => all.has(path) };
};

/** The roots of a program: `path/` for a directory. */
const rootsOf = (file: string, ...others: readonly string[]): string[] =>
  findPackageRoot(file, looking(file, ...others)).roots.map(({ path, kind }) => (kind === 'dir' ? `${path}/` : path));

describe('the part of the host that a program needs', () => {
  test.each<[string, string, readonly string[], readonly string[]]>([
    [
      'nvm: node itself',
      `${home}/.nvm/versions/node/v22.1.0/bin/node`,
      [`${home}/.nvm/versions/node/v22.1.0/lib/node_modules/npm/bin/npm-cli.js`],
      [`${home}/.nvm/versions/node/v22.1.0/`],
    ],
    [
      'nvm: a global package',
      `${home}/.nvm/versions/node/v22.1.0/lib/node_modules/@anthropic-ai/claude-code/cli.js`,
      [`${home}/.nvm/versions/node/v22.1.0/bin/node`],
      [`${home}/.nvm/versions/node/v22.1.0/lib/node_modules/@anthropic-ai/claude-code/`],
    ],
    [
      'an npm prefix: a package without scope',
      `${home}/.npm-global/lib/node_modules/opencode/bin/run`,
      [],
      [`${home}/.npm-global/lib/node_modules/opencode/`],
    ],
    [
      'an npm prefix: a package within a package',
      '/opt/p/lib/node_modules/a/node_modules/b/bin/b.js',
      [],
      ['/opt/p/lib/node_modules/a/'],
    ],
    [
      'pnpm: the store behind the link',
      `${home}/.local/share/pnpm/global/5/.pnpm/x@1.0.0/node_modules/x/cli.js`,
      [],
      [`${home}/.local/share/pnpm/global/5/.pnpm/x@1.0.0/node_modules/x/`],
    ],
    [
      'volta: a shim',
      `${home}/.volta/bin/volta-shim`,
      [`${home}/.volta/tools/image/node/22.1.0/bin/node`],
      [`${home}/.volta/`],
    ],
    [
      'pyenv: a shim',
      `${home}/.pyenv/shims/python3`,
      [`${home}/.pyenv/versions/3.12.1/bin/python3.12`],
      [`${home}/.pyenv/`],
    ],
    [
      'pyenv: an interpreter',
      `${home}/.pyenv/versions/3.12.1/bin/python3.12`,
      [`${home}/.pyenv/versions/3.12.1/lib/python3.12/os.py`],
      [`${home}/.pyenv/versions/3.12.1/`],
    ],
    ['asdf: a shim', `${home}/.asdf/shims/node`, [`${home}/.asdf/installs/nodejs/22/bin/node`], [`${home}/.asdf/`]],
    [
      'mise: a shim',
      `${home}/.local/share/mise/shims/node`,
      [`${home}/.local/share/mise/installs/node/22/bin/node`],
      [`${home}/.local/share/mise/`],
    ],
    [
      'mise: an installed tool',
      `${home}/.local/share/mise/installs/node/22/bin/node`,
      [`${home}/.local/share/mise/installs/node/22/lib/x`],
      [`${home}/.local/share/mise/installs/node/22/`],
    ],
    [
      'pipx: a program of its environment',
      `${home}/.local/share/pipx/venvs/aider/bin/aider`,
      [`${home}/.local/share/pipx/venvs/aider/pyvenv.cfg`],
      [`${home}/.local/share/pipx/venvs/aider/`],
    ],
    ['a virtual environment', '/srv/env/bin/python', ['/srv/env/pyvenv.cfg'], ['/srv/env/']],
    ['a single file in ~/.local/bin', `${home}/.local/bin/uv`, [`${home}/.local/lib/x`], [`${home}/.local/bin/uv`]],
    ['a single file in ~/bin', `${home}/bin/tool`, [`${home}/lib/x`], [`${home}/bin/tool`]],
    [
      'claude as its installer puts it',
      `${home}/.local/share/claude/versions/2.0.1`,
      [],
      [`${home}/.local/share/claude/versions/2.0.1`],
    ],
    [
      'cargo: a rustup shim',
      `${home}/.cargo/bin/rustup`,
      [`${home}/.rustup/toolchains/stable/bin/rustc`, `${home}/.cargo/credentials.toml`],
      [`${home}/.cargo/bin/rustup`, `${home}/.rustup/`],
    ],
    ['cargo: an installed program', `${home}/.cargo/bin/rg`, [`${home}/.cargo/lib/x`], [`${home}/.cargo/bin/rg`]],
    [
      'rustup: a toolchain',
      `${home}/.rustup/toolchains/stable/bin/rustc`,
      [`${home}/.rustup/toolchains/stable/lib/x`],
      [`${home}/.rustup/toolchains/stable/`],
    ],
    ['a toolchain in /opt', '/opt/jdk-21/bin/java', ['/opt/jdk-21/lib/x', '/opt/jdk-21/jmods/'], ['/opt/jdk-21/']],
    ['a program of /opt itself', '/opt/bin/tool', ['/opt/lib/x'], ['/opt/bin/tool']],
    ['an unpacked Go', '/opt/go/bin/go', ['/opt/go/pkg/'], ['/opt/go/']],
    ['a Go program of the user', `${home}/go/bin/gopls`, [`${home}/go/pkg/mod/`], [`${home}/go/bin/gopls`]],
    [
      'Homebrew: the cellar behind the link',
      '/home/linuxbrew/.linuxbrew/Cellar/jq/1.7/bin/jq',
      ['/home/linuxbrew/.linuxbrew/Cellar/jq/1.7/lib/x'],
      ['/home/linuxbrew/.linuxbrew/Cellar/jq/1.7/'],
    ],
    ['a program beside nothing', '/srv/tools/run', [], ['/srv/tools/run']],
    ['a bin folder of HOME that has a lib beside it', `${home}/bin/x`, [`${home}/lib/`], [`${home}/bin/x`]],
    ['a bin folder of the root', '/bin2/x', [], ['/bin2/x']],
  ])('%s', (_, file, others, expected) => {
    expect(rootsOf(file, ...others)).toEqual(expected);
  });

  test.each(['.local', '.cargo', '.npm-global', '.config', '.cache', 'go', '.docker', '.npm', '.local/share'])(
    'never the whole of ~/%s',
    (name) => {
      const file = `${home}/${name}/bin/x`;
      expect(rootsOf(file, `${home}/${name}/lib/y`, `${home}/${name}/versions/z`)[0]).toBe(file);
    },
  );

  test.each(['/opt', '/srv', '/var', '/mnt', '/home', '/usr/local', '/tmp', '/root'])(
    'never the whole of %s',
    (folder) => {
      expect(rootsOf(`${folder}/bin/x`, `${folder}/lib/y`)).toEqual([`${folder}/bin/x`]);
    },
  );

  test.each([
    ['.aws', [`${home}/.aws/lib/`]],
    ['.pulumi', [`${home}/.pulumi/versions/`]],
    ['.gnupg', [`${home}/.gnupg/lib/`]],
    ['.ssh', [`${home}/.ssh/lib/`]],
    ['.kube', [`${home}/.kube/lib/`]],
    ['.azure', [`${home}/.azure/lib/`]],
    ['.terraform.d', [`${home}/.terraform.d/lib/`]],
    ['.password-store', [`${home}/.password-store/lib/`]],
    ['.mozilla', [`${home}/.mozilla/lib/`]],
  ])('never the whole of ~/%s, which holds credentials', (name, others) => {
    expect(rootsOf(`${home}/${name}/bin/x`, ...others)).toEqual([`${home}/${name}/bin/x`]);
  });
});

test('a source tree under version control is not taken whole', () => {
  const file = `${home}/src/app/bin/rails`;
  const others = [`${home}/src/app/lib/`, `${home}/src/app/.git/HEAD`, `${home}/src/app/.env`];
  expect(rootsOf(file, ...others)).toEqual([file]);
  expect(findTreeOfBin(`${home}/src/app/bin`, looking(file, ...others))).toBeUndefined();
});

test.each([
  ['.git', '.git/HEAD'],
  ['.git', '.git'],
  ['.hg', '.hg/store'],
  ['.svn', '.svn/wc.db'],
  ['.env', '.env'],
  ['.envrc', '.envrc'],
])('a tree with %s is work: a virtual environment, shims or a bin folder in it is not taken whole', (_, mark) => {
  const tree = '/srv/app';
  const marked = `${tree}/${mark}`;
  expect(rootsOf(`${tree}/bin/x`, `${tree}/lib/`, marked)).toEqual([`${tree}/bin/x`]);
  expect(rootsOf(`${tree}/bin/x`, `${tree}/pyvenv.cfg`, marked)).toEqual([`${tree}/bin/x`]);
  expect(rootsOf(`${tree}/shims/x`, `${tree}/tools/`, marked)).toEqual([`${tree}/shims/x`]);
  expect(rootsOf(`${tree}/bin/x`, `${tree}/lib/`)).toEqual([`${tree}/`]); // without the mark
});

test('a version manager that is a clone of its repository is taken whole: its versions tell it apart', () => {
  const tree = `${home}/.pyenv`;
  expect(rootsOf(`${tree}/shims/x`, `${tree}/versions/3.12/bin/python`, `${tree}/.git/HEAD`)).toEqual([`${tree}/`]);
});

describe('a PATH entry as a whole', () => {
  test.each<[string, string, readonly string[], string | undefined]>([
    [
      'nvm',
      `${home}/.nvm/versions/node/v22/bin`,
      [`${home}/.nvm/versions/node/v22/lib/`],
      `${home}/.nvm/versions/node/v22`,
    ],
    ['volta', `${home}/.volta/bin`, [`${home}/.volta/tools/`], `${home}/.volta`],
    ['pyenv', `${home}/.pyenv/shims`, [`${home}/.pyenv/versions/`], `${home}/.pyenv`],
    ['asdf', `${home}/.asdf/shims`, [`${home}/.asdf/installs/`], `${home}/.asdf`],
    ['a virtual environment', '/srv/env/bin', ['/srv/env/pyvenv.cfg'], '/srv/env'],
    ['~/.local/bin', `${home}/.local/bin`, [`${home}/.local/lib/`], undefined],
    ['~/bin', `${home}/bin`, [`${home}/lib/`], undefined],
    ['~/.cargo/bin', `${home}/.cargo/bin`, [`${home}/.cargo/lib/`], undefined],
    ['an npm prefix', `${home}/.npm-global/bin`, [`${home}/.npm-global/lib/`], undefined],
    ['/opt/bin', '/opt/bin', ['/opt/lib/'], undefined],
    ['node_modules/.bin of a project', '/srv/p/node_modules/.bin', ['/srv/p/node_modules/x/'], undefined],
    ['a folder of scripts', '/srv/scripts', [], undefined],
    ['Homebrew', '/home/linuxbrew/.linuxbrew/bin', ['/home/linuxbrew/.linuxbrew/lib/'], '/home/linuxbrew/.linuxbrew'],
  ])('%s', (_, folder, others, expected) => {
    expect(findTreeOfBin(folder, looking(`${folder}/`, ...others))).toBe(expected);
  });
});
