/** A problem before its offset is turned into a line and a column. */
export interface Finding {
  readonly offset: number;
  readonly message: string;
  readonly hint?: string;
}
