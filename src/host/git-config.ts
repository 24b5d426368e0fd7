/** One variable of a git configuration file; section and key in lower case. */
export interface GitVariable {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** The variables of a file in git's own syntax (git-config(1), "Syntax"); what can't be understood is passed over. */
export const parseGitConfig = (text: string): GitVariable[] => {
  const reader = new Reader(text.replace(/\r\n/g, '\n'));
  const variables: GitVariable[] = [];
  let section = '';
  while (!reader.ended) {
    const header = reader.take(/\[\s*([\w.-]+)(?:\s+"(?:[^"\\\n]|\\.)*")?\s*\]/y);
    const key = header ? undefined : reader.take(/([A-Za-z][\w-]*)[ \t]*/y)?.[1];
    if (header) section = (header[1] ?? '').toLowerCase();
    else if (key !== undefined) {
      const value = reader.take(/=[ \t]*/y) ? takeValue(reader) : '';
      variables.push({ section, key: key.toLowerCase(), value });
    } else if (!reader.take(/\s+|[#;][^\n]*/y)) reader.skip();
  }
  return variables;
};

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  /** What a sticky expression matches here, if it does. */
  take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text) ?? undefined;
    if (found) this.#at += found[0].length;
    return found;
  }

  /** The next character. */
  skip(): string {
    return this.#text[this.#at++] ?? '';
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '\b' };

/**
 * A value up to the end of its line, or of a later one if backslashes join them: quotes may open and close anywhere, a comment outside
 * of them ends it, spaces at its end don't count.
 */
const takeValue = (reader: Reader): string => {
  let value = '';
  let kept = 0;
  let quoted = false;
  while (!reader.ended) {
    const character = reader.skip();
    if (character === '\n') break;
    if (!quoted && (character === '#' || character === ';')) {
      reader.take(/[^\n]*/y);
    } else if (character === '"') {
      quoted = !quoted;
      kept = value.length;
    } else if (character === '\\') {
      const escaped = reader.skip();
      if (escaped === '\n') continue;
      value += escapes[escaped] ?? escaped;
      kept = value.length;
    } else {
      value += character;
      if (quoted || character.trim() !== '') kept = value.length;
    }
  }
  return value.slice(0, kept);
};
