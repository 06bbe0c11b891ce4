import type { TapeChange } from "../tape/tape-change.js";
import { SHAPE_TABLE, TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlStatement, SqlValue } from "../values/sql-value.js";

/**
 * The statement that keeps a change on the tape without applying it: the remote has dropped the table it belongs to.
 * Should the table come back, the next replay applies it.
 */
export function parkChange(change: TapeChange): SqlStatement {
  if (change.type === "schema") return insert("0", change.type, [], [change.sql]);
  const values = [...("before" in change ? change.before : []), ...("after" in change ? change.after : [])];
  const shape = `(SELECT id FROM main.${SHAPE_TABLE} WHERE description = ?)`;
  return insert(shape, change.type, [JSON.stringify(change.shape)], values);
}

function insert(
  shape: string,
  type: TapeChange["type"],
  shapeParams: readonly SqlValue[],
  values: readonly SqlValue[],
): SqlStatement {
  const columns = values.map((_, index) => `, v${index}`).join("");
  const marks = ", ?".repeat(values.length);
  return {
    sql: `INSERT INTO main.${TAPE_TABLE} (shape, op, parked${columns}) VALUES (${shape}, ${TAPE_OPERATION[type]}, 1${marks})`,
    params: [...shapeParams, ...values],
  };
}
