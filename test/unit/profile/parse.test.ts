import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../../src/profile/parse.ts';

/** Every problem as `line:column message | hint`. */
const problemsOf = (text: string): string[] => {
  const parsed = parseDocument(text, 'f');
  if (!('problems' in parsed)) return [];
  return parsed.problems.map(
    ({ place, message, hint }) => `${place?.line}:${place?.column} ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  );
};

test('every key is read, with comments and trailing commas', () => {
  const text = `// policy
{
  "$schema": "anything", "description": "d", "extends": ["node"], /* c */
  "command": ["claude", ""], "mounts": ["~/x:rw", { "source": "y", "target": "/y", "mode": "copy" }],
  "protect": ["a"], "env": { "pass": ["A", "LC_*"], "passIfVisible": ["B"], "set": { "C": "" } },
  "path": { "tools": ["git"] }, "network": { "mode": "none", "allow": ["*.a.test"], "deny": ["b.test"], "hosts": { "c.test": "127.0.0.1:1" }, "publish": ["1:2"] },
  "limits": { "memory": "4G", "processes": 1, "openFiles": 2, "fileSize": 1024, "timeout": "1h" },
  "require": ["hide"], "userNamespaces": true,
}`;
  expect(parseDocument(text, 'f')).toMatchObject({
    value: { extends: ['node'], limits: { fileSize: 1024 }, userNamespaces: true },
  });
});

test('an empty object is a document', () => expect(parseDocument('{}', 'f')).toMatchObject({ value: {} }));

test('a place is a line and a column in UTF-16 units, for every line ending', () => {
  const parsed = parseDocument('{\r\n"mounts": [\r  "a",\n "😀", "b"]}', 'f');
  if ('problems' in parsed) throw new Error('invalid');
  expect(parsed.placeOf(['mounts', 0])).toEqual({ file: 'f', line: 3, column: 3 });
  expect(parsed.placeOf(['mounts', 2])).toEqual({ file: 'f', line: 4, column: 8 });
});

describe('syntax', () => {
  test.each([
    ['', ['1:1 a value is expected here']],
    ['{', ['1:2 "}" is expected here']],
    ['{}}', ['1:3 nothing may follow the document | a document is one object']],
    ['{"command": ["a" "b"]}', ['1:18 "," is expected here']],
    ['{"description" "x"}', ['1:16 ":" is expected here']],
    ['{"description": }', ['1:17 a value is expected here']],
    ["{'description': 1}", ['1:2 unexpected "\'description\'" | put strings and keys in double quotes: "description"']],
    ['{description: 1}', ['1:2 unexpected "description" | put strings and keys in double quotes: "description"']],
    ['{"description": "x', ['1:17 the string does not end | end it with " on the same line']],
    ['{"description": "\\x"}', ['1:17 the escape in this string is unknown | write a backslash as \\\\']],
    ['{"description": "\t"}', ['1:17 the string holds a control character | write it as an escape, for example \\t']],
    ['{} /* x', ['1:4 the comment does not end | end it with */']],
    ['{"description": tru}', ['1:17 unexpected "tru" | put strings and keys in double quotes: "tru"']],
  ])('%j', (text, problems) => expect(problemsOf(text)).toEqual(problems));

  test('a document nested beyond the stack is refused, not a crash', () => {
    expect(problemsOf('['.repeat(500_000))).toEqual(['1:1 the document is nested too deeply | remove brackets']);
    for (const depth of [2000, 4000, 6000, 8000])
      expect(problemsOf(`${'['.repeat(depth)}${']'.repeat(depth)}`)).toHaveLength(1);
  });
});

describe('shape', () => {
  test.each([
    ['[]', ['1:1 the document must be an object, not a list']],
    ['5', ['1:1 the document must be an object, not a number']],
    [
      '{"netwrok": {}, "mount": []}',
      ['1:2 unknown key "netwrok" | did you mean "network"?', '1:17 unknown key "mount" | did you mean "mounts"?'],
    ],
    ['{"env": {"pas": []}}', ['1:10 unknown key "pas" in env | did you mean "pass"?']],
    [
      '{"network": {"zebra": 1}}',
      ['1:14 unknown key "zebra" in network | the keys are "mode", "allow", "deny", "hosts", "publish"'],
    ],
    ['{"network": {}, "network": {}}', ['1:17 duplicate key "network" | merge the two, only one can count']],
    ['{"env": {"set": {"A": "1", "A": "2"}}}', ['1:28 duplicate key "A" | merge the two, only one can count']],
    ['{"__proto__": {"command": 1}}', ['1:2 the key "__proto__" is not supported | rename it']],
    ['{"env": {"set": {"constructor": 5}}}', ['1:18 the key "constructor" is not supported | rename it']],
    ['{"env": []}', ['1:9 env must be an object, not a list']],
    ['{"env": {"set": ["A"]}}', ['1:17 env.set must be an object, not a list']],
    ['{"env": {"set": {"A": 5}}}', ['1:23 env.set.A must be a string, not a number | put it in quotes']],
    ['{"env": {"set": {"A": null}}}', ['1:23 env.set.A must be a string, not null']],
    ['{"mounts": "x"}', ['1:12 mounts must be a list, not a string']],
    ['{"mounts": [5]}', ['1:13 mounts[0] must be a string or an object with "source", not a number']],
    [
      '{"mounts": [{"target": "/x"}]}',
      ['1:13 "source" is missing in mounts[0] | the keys are "source", "target", "mode", "optional"'],
    ],
    [
      '{"mounts": [{"source": 1, "moed": 2, "x": 3}]}',
      [
        '1:24 mounts[0].source must be a path, not a number | put it in quotes',
        '1:27 unknown key "moed" in mounts[0] | did you mean "mode"?',
        '1:38 unknown key "x" in mounts[0] | the keys are "source", "target", "mode", "optional"',
      ],
    ],
    ['{"command": "claude"}', ['1:13 command must be a list, not a string']],
    ['{"command": [1]}', ['1:14 command[0] must be a string, not a number | put it in quotes']],
    ['{"extends": 5}', ['1:13 extends must be the name of a profile or a list of names, not a number']],
    ['{"extends": ["a", 5]}', ['1:19 extends[1] must be the name of a profile, not a number | put it in quotes']],
    ['{"userNamespaces": "yes"}', ['1:20 userNamespaces must be true or false, not a string']],
    ['{"description": true}', ['1:17 description must be a string, not true or false | put it in quotes']],
    ['{"limits": {"memory": []}}', ['1:23 limits.memory must be a size such as "4G", not a list']],
    [
      '{"limits": {"timeout": 90}}',
      ['1:24 limits.timeout must be a duration such as "2h", not a number | put it in quotes'],
    ],
  ])('%s', (text, problems) => expect(problemsOf(text)).toEqual(problems));
});

describe('a credential of a document', () => {
  const written = (more: object) =>
    JSON.stringify({
      credentials: [{ name: 'mine', sources: [{ env: 'REAL' }], env: 'KEY', hosts: ['api.test'], ...more }],
    });
  test.each<[string, object, string[]]>([
    ['one that is right', {}, []],
    [
      'every kind of source',
      { sources: [{ file: '~/a', keys: ['b'] }, { file: '/a' }, { command: ['pass', 'x'] }] },
      [],
    ],
    ['a header of its own', { header: 'X-Api-Key', scheme: 'token' }, []],
    ['no word before it', { scheme: '' }, []],
    ['no source', { sources: [] }, ['"sources" is empty']],
    ['no host', { hosts: [] }, ['"hosts" is empty']],
    [
      'a misspelt key of a source',
      { sources: [{ evn: 'A' }] },
      ['unknown key "evn" in credentials[0].sources[0] | did you mean "env"?'],
    ],
    ['an empty source', { sources: [{}] }, ['a source names nothing to look at']],
    ['two sources in one', { sources: [{ env: 'A', file: '/a' }] }, ['a source names more than one thing']],
    ['keys of a variable', { sources: [{ env: 'A', keys: ['a'] }] }, ['"keys" tells where the value is in a "file"']],
    ['a file of the workspace', { sources: [{ file: './a' }] }, ['"./a" is not an absolute path']],
    ['a file of somebody else', { sources: [{ file: '~root/a' }] }, ['"~root" is not supported']],
    ['a program of the workspace', { sources: [{ command: ['./a'] }] }, ['"./a" is not a program']],
    ['no program', { sources: [{ command: [] }] }, ['"" is not a program']],
    [
      'an address',
      { hosts: ['127.0.0.1'] },
      ['"127.0.0.1" is an address, for which no certificate can be made here | give it a name'],
    ],
    ['an address of IPv6', { hosts: ['[::1]'] }, ['"[::1]" is an address, for which']],
    ['all below a top-level domain', { hosts: ['*.com'] }, ['"*.com" would allow every name']],
    ['a header with a colon', { header: 'x-api-key: ' }, ['"x-api-key: " is not the name of a header']],
    ...['Host', 'content-length', 'Transfer-Encoding', 'connection', 'upgrade', 'sec-websocket-key'].map(
      (header): [string, object, string[]] => [header, { header }, [`the header "${header}" is not for a secret`]],
    ),
    ['two words', { scheme: 'Bearer x' }, ['"Bearer x" is not one word']],
    ['a line end', { scheme: 'a\r\nb' }, ['is not one word']],
    [
      'Basic in another header',
      { header: 'x-key', scheme: 'basic' },
      ['"Basic" goes into "authorization", not into "x-key"'],
    ],
    ...[
      'PATH',
      'HOME',
      'LD_PRELOAD',
      'NODE_OPTIONS',
      'https_proxy',
      'SSL_CERT_FILE',
      'GIT_SSH_COMMAND',
      'BASH_ENV',
    ].map((env): [string, object, string[]] => [env, { env }, [`the variable "${env}" can't hold a placeholder`]]),
    ['no name', { env: '1A' }, ['"1A" is not the name of an environment variable']],
  ])('is refused if it is wrong: %s', (_, more, problems) => {
    expect(problemsOf(written(more))).toEqual(problems.map((problem) => expect.stringContaining(problem)));
  });
});

describe('values', () => {
  const count = 'must be a whole number from 1 to 2147483647, not';
  test.each([
    [
      '{"network": {"mode": "limted"}}',
      [
        '1:22 network.mode must be one of "none", "limited", "host-only", "full", not "limted" | did you mean "limited"?',
      ],
    ],
    [
      '{"network": {"mode": "x"}}',
      ['1:22 network.mode must be one of "none", "limited", "host-only", "full", not "x"'],
    ],
    [
      '{"network": {"mode": 1}}',
      ['1:22 network.mode must be one of "none", "limited", "host-only", "full", not a number'],
    ],
    [
      '{"network": {"mode": "full", "deny": ["a.test"]}}',
      [
        '1:13 network: "deny" does nothing with mode "full", in which nothing is looked at | remove "deny", or take mode "limited" and name in "allow" what may be reached',
      ],
    ],
    ['{"network": {"mode": "full", "deny": []}}', []],
    [
      '{"network": {"allow": ["a.test", "*.com", 5], "deny": ["a b"]}}',
      [
        '1:34 network.allow[1]: "*.com" would allow every name that anyone has below "com" | write at least two labels behind the star, for example "*.example.com"',
        '1:43 network.allow[2] must be a host such as "example.com", not a number | put it in quotes',
        '1:56 network.deny[0]: "a b" is not a host name | use letters, digits, "-" and "."',
      ],
    ],
    [
      '{"network": {"hosts": {"localhost": "127.0.0.1", "a.test": "b.test"}, "publish": ["80"]}}',
      [
        '1:24 network.hosts.localhost: "localhost" always stands for loopback | take another name, for example "api.test", or allow "localhost:PORT"',
        '1:60 network.hosts."a.test": "b.test" is not an address | write one as in "127.0.0.1:8443" or "[::1]:8443"',
        '1:83 network.publish[0]: "80" does not name two ports | write "80:80"',
      ],
    ],
    [
      '{"require": ["hide", "netwrk"]}',
      [
        '1:22 require[1] must be one of "hide", "read", "write", "home", "env", "path", "network", "sockets", "process", "tty", "limits", not "netwrk" | did you mean "network"?',
      ],
    ],
    [
      '{"limits": {"memory": "4GB"}}',
      ['1:23 limits.memory: "4GB" is not a size | write "4G" (units are powers of 1024)'],
    ],
    [
      '{"limits": {"fileSize": -1}}',
      ['1:25 limits.fileSize: "-1" is not a size | write "512M", "4G" or "1.5GiB" (units are powers of 1024)'],
    ],
    [
      '{"limits": {"timeout": "90"}}',
      ['1:24 limits.timeout: "90" is not a duration | add a unit, for example "90s" or "90m"'],
    ],
    [
      '{"limits": {"processes": 0, "openFiles": 1.5}}',
      [`1:26 limits.processes ${count} 0`, `1:42 limits.openFiles ${count} 1.5`],
    ],
    ['{"limits": {"processes": 1e400}}', [`1:26 limits.processes ${count} Infinity`]],
    [
      '{"mounts": ["a:b"]}',
      ['1:13 mounts[0]: a mount cannot have the relative target "b" | write an absolute path, for example "/b"'],
    ],
    [
      '{"mounts": ["~bob/x", {"source": "~bob"}]}',
      [
        '1:13 mounts[0]: "~bob" is not supported | write the full path, or "~/..." for your own home',
        '1:34 mounts[1].source: "~bob" is not supported | write the full path, or "~/..." for your own home',
      ],
    ],
    [
      '{"mounts": [{"source": "a", "target": "b", "mode": "rx"}]}',
      [
        '1:39 mounts[0].target: a mount cannot have the relative target "b" | write an absolute path, for example "/b"',
        '1:52 mounts[0].mode must be one of "ro", "rw", "copy", not "rx" | did you mean "ro"?',
      ],
    ],
    ['{"protect": ["/etc"]}', ['1:14 protect[0]: "/etc" must be relative to the workspace | write "etc"']],
    [
      '{"env": {"pass": ["A B", "*"]}}',
      [
        '1:19 env.pass[0]: "A B" is not the name of an environment variable | use letters, digits and _, and do not begin with a digit',
        '1:26 env.pass[1]: "*" is not the name of an environment variable | a * may only stand at the end, after at least one letter: "LC_*"',
      ],
    ],
    [
      '{"env": {"set": {"LC_*": "C"}}}',
      [
        '1:18 env.set."LC_*": "LC_*" is not the name of an environment variable | a trailing * works in env.pass only; write each name out here',
      ],
    ],
    ['{"path": {"tools": ["/bin/sh"]}}', ['1:21 path.tools[0]: "/bin/sh" is not the name of a program | write "sh"']],
    [
      '{"extends": "../x"}',
      [
        '1:13 extends: "../x" is not the name of a profile | a name has lower-case letters, digits and -; a file is named with --config FILE',
      ],
    ],
    [
      '{"command": ["a\\u0000b"]}',
      ['1:14 the string holds a NUL character | remove it: no path or variable can hold one'],
    ],
    [
      '{"mounts": ["a\\u0000b"]}',
      ['1:13 the string holds a NUL character | remove it: no path or variable can hold one'],
    ],
    [
      '{"env": {"set": {"A": "\\u0000"}}}',
      ['1:23 the string holds a NUL character | remove it: no path or variable can hold one'],
    ],
  ])('%s', (text, problems) => expect(problemsOf(text)).toEqual(problems));
});

test('all problems come at once, in order of place', () => {
  const text = `{
  "command": "x",
  "env": { "pass": ["1"] } // no comma
  "netwrok": {},
  "limits": { "timeout": "soon", "memory": "0" },
}`;
  expect(problemsOf(text).map((problem) => problem.split(' ', 1)[0])).toEqual(['2:14', '3:21', '4:3', '5:26', '5:44']);
});

test('text of the document cannot steer the terminal', () => {
  expect(problemsOf('{"\u202e\\u001b[2J": 1}')[0]).toMatch(/^1:2 unknown key "\\u\{202e\}\\u\{1b\}\[2J"/);
});
