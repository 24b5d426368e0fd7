/** One variable of a git configuration file; section and key in lower case. */
export interface GitVariable {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** The variables of a file in git's own syntax (git-config(1), "Syntax"); what can't be understood is passed over. */
export const parseGitConfig = (text: string): GitVariable[] => {
  const variables: GitVariable[] = [];
  let section = '';
  for (const line of joinLines(text)) {
    let rest = line.trimStart();
    const header = /^\[\s*([\w.-]+)(?:\s+"(?:[^"\\]|\\.)*")?\s*\]/.exec(rest);
    if (header) {
      section = (header[1] ?? '').toLowerCase();
      rest = rest.slice(header[0].length).trimStart();
    }
    const assignment = /^([A-Za-z][\w-]*)\s*=?\s*/.exec(rest);
    if (!assignment) continue;
    const value = parseValue(rest.slice(assignment[0].length));
    variables.push({ section, key: (assignment[1] ?? '').toLowerCase(), value });
  }
  return variables;
};

/** Logical lines: a backslash at the end of one goes on in the next. */
const joinLines = (text: string): string[] =>
  text
    .replace(/\r\n/g, '\n')
    .replace(/(^|[^\\])((?:\\\\)*)\\\n/g, '$1$2')
    .split('\n');

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '\b' };

/** A value: quotes may open and close anywhere, a comment ends it outside of them, spaces at its end don't count. */
const parseValue = (text: string): string => {
  let value = '';
  let kept = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '"') {
      quoted = !quoted;
      kept = value.length;
    } else if (character === '\\') {
      at++;
      value += escapes[text[at] ?? ''] ?? text[at] ?? '';
      kept = value.length;
    } else if (!quoted && (character === '#' || character === ';')) break;
    else {
      value += character;
      if (quoted || character.trim() !== '') kept = value.length;
    }
  }
  return value.slice(0, kept);
};
