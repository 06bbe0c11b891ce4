/** A value of SQLite: integers are always `bigint`, reals always `number`, so 1 and 1.0 stay apart. */
export type SqlValue = null | bigint | number | string | Uint8Array;

/** One row, by position. */
export type SqlRow = readonly SqlValue[];

/** One statement with positional parameters. */
export interface SqlStatement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}
