import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseGitConfig } from '../../../src/host/git-config.ts';
import { needs, program } from '../../support/needs.ts';
import { aTree } from '../../support/trees.ts';

/** `section.key=value`, without the subsection, as git(1) understands a file. */
const askGit = (text: string): string[] => {
  const file = join(aTree({}), 'config');
  writeFileSync(file, text);
  const said = execFileSync('git', ['config', '-z', '--list', '--file', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  return said
    .toString()
    .split('\0')
    .filter(Boolean)
    .map((variable) => {
      const end = variable.indexOf('\n');
      const [name, value] = end < 0 ? [variable, ''] : [variable.slice(0, end), variable.slice(end + 1)];
      return `${name.slice(0, name.indexOf('.'))}.${name.slice(name.lastIndexOf('.') + 1)}=${value}`;
    });
};

const parse = (text: string): string[] =>
  parseGitConfig(text).map(({ section, key, value }) => `${section}.${key}=${value}`);

/** What git takes, in every spelling that git-config(1) tells of. */
const understood: readonly (readonly [string, string, readonly string[]])[] = [
  ['nothing', '', []],
  ['a section without variables', '[core]\n', []],
  ['one variable', '[core]\n\tbare = false\n', ['core.bare=false']],
  ['no line feed at the end', '[core]\n\tbare = false', ['core.bare=false']],
  ['a key without a value', '[core]\n\tbare\n', ['core.bare=']],
  ['an empty value', '[core]\n\thooksPath =\n', ['core.hookspath=']],
  ['no spaces', '[core]\nhooksPath=x\n', ['core.hookspath=x']],
  ['capitals', '[CORE]\nHOOKSPATH = X\n', ['core.hookspath=X']],
  ['a key on the line of its section', '[core] hooksPath = x\n', ['core.hookspath=x']],
  ['a section with a name of its own', '[includeIf "gitdir:~/x/"]\n\tpath = y\n', ['includeif.path=y']],
  ['such a name with quotes', '[remote "a\\"]b\\\\"]\n\turl = y\n', ['remote.url=y']],
  ['such a name with a hash', '[remote "#;"]\n\turl = y\n', ['remote.url=y']],
  ['a comment', '# [core]\n; hooksPath = x\n[core]\n# a\n\tbare = true\n', ['core.bare=true']],
  ['a comment behind a section', '[core] # hooksPath = x\n\tbare = true\n', ['core.bare=true']],
  ['a comment behind a value', '[core]\n\ta = x # y\n\tb = z ; w\n', ['core.a=x', 'core.b=z']],
  ['a comment without a space', '[core]\n\ta = x#y\n', ['core.a=x']],
  ['a comment instead of a value', '[core]\n\ta = #y\n', ['core.a=']],
  ['quotes', '[core]\n\ta = " x "\n', ['core.a= x ']],
  ['quotes around a part', '[core]\n\ta = x" y "z\n', ['core.a=x y z']],
  ['quotes around signs of comments', '[core]\n\ta = "x#y;z"\n', ['core.a=x#y;z']],
  ['quotes around nothing', '[core]\n\ta = ""\n', ['core.a=']],
  ['spaces around', '[core]\n\ta =   x y  \t\n', ['core.a=x y']],
  ['escapes', '[core]\n\ta = \\"x\\\\y\\tz\\n\n', ['core.a="x\\y\tz\n']],
  ['escapes in quotes', '[core]\n\ta = "\\"x\\\\"\n', ['core.a="x\\']],
  ['a value that goes on', '[core]\n\ta = x\\\ny\n', ['core.a=xy']],
  ['a value in quotes that goes on', '[core]\n\ta = "x\\\n y"\n', ['core.a=x y']],
  ['an escaped backslash at the end of a line', '[core]\n\ta = x\\\\\n\tb = y\n', ['core.a=x\\', 'core.b=y']],
  ['lines that end as on Windows', '[core]\r\n\ta = x\r\n\tb = y\r\n', ['core.a=x', 'core.b=y']],
  ['a byte order mark', '\ufeff[core]\n\ta = x\n', ['core.a=x']],
  ['one variable twice', '[core]\n\ta = x\n\ta = y\n', ['core.a=x', 'core.a=y']],
  ['one section twice', '[core]\n\ta = x\n[user]\n\tb = y\n[core]\n\tc = z\n', ['core.a=x', 'user.b=y', 'core.c=z']],
  ['an equals sign in a value', '[core]\n\ta = x=y\n', ['core.a=x=y']],
  ['brackets in a value', '[core]\n\ta = [user]\n\tb = y\n', ['core.a=[user]', 'core.b=y']],
  ['a digit and a dash in a key', '[core]\n\ta-1 = x\n', ['core.a-1=x']],
  ['blank lines', '\n\n[core]\n\n\n\ta = x\n\n', ['core.a=x']],
  ['letters beyond ASCII', '[core]\n\ta = ü😀\n', ['core.a=ü😀']],
];

describe('a configuration with', () => {
  test.each(understood)('%s', (_, text, expected) => expect(parse(text)).toEqual(expected));

  test.each<[string, string, readonly string[]]>([
    ['a comment that ends with a backslash', '[core]\n# x \\\n\thooksPath = y\n', ['core.hookspath=y']],
    ['such a comment behind a value', '[core]\n\ta = x # \\\n\thooksPath = y\n', ['core.a=x', 'core.hookspath=y']],
    ['two sections on one line', '[user] [core] hooksPath = y\n', ['core.hookspath=y']],
    ['a value that goes on twice at once', '[core]\n\ta = x\\\n\\\ny\n', ['core.a=xy']],
  ])('%s', (_, text, expected) => expect(parse(text)).toEqual(expected));
});

needs(program('git'))('git understands each of these in the same way', () => {
  const texts = [
    ...understood.map(([, text]) => text),
    '[core]\n# x \\\n\thooksPath = y\n',
    '[core]\n\ta = x # \\\n\thooksPath = y\n',
    '[user] [core] hooksPath = y\n',
    '[core]\n\ta = x\\\n\\\ny\n',
  ];
  const expected = [
    ...understood.map(([, , variables]) => variables),
    ['core.hookspath=y'],
    ['core.a=x', 'core.hookspath=y'],
    ['core.hookspath=y'],
    ['core.a=xy'],
  ];
  expect(texts.map(askGit)).toEqual(expected);
});

test.each([
  '\0\u0001',
  '[',
  '[core',
  '[core]]\n=x',
  '[[[',
  'x = y',
  '"',
  '[core]\n\ta = "x',
  '[core]\n\t= x',
  '\\',
  '[]\nx=y',
])('what git can not read is no error: %j', (text) => expect(() => parseGitConfig(text)).not.toThrow());
