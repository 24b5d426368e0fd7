/**
 * A place in a text file; line and column count from 1, the column in UTF-16 units. Of a value that no text holds, `file` is the path, and
 * the line 0.
 */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with what the operator wrote, and what would put it right. */
export interface Problem {
  /** lower case, the value quoted, no full stop */
  readonly message: string;
  readonly hint?: string;
  readonly place?: Place;
}
