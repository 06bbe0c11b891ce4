import type { RowChange, SqlValue } from "@tributary/core";
import type { MergeTarget } from "./merge-target.js";

/** The table in which SQLite keeps the largest rowids of AUTOINCREMENT. */
export const SEQUENCE_TABLE = "sqlite_sequence";

/** Merges a row of it. Where others have written, no number goes back: it would be given out again. */
export function mergeSequence(target: MergeTarget, change: RowChange, isEqual: boolean): void {
  // It is there once a table has been made that needs it.
  if (target.sqlOf("table", SEQUENCE_TABLE) === undefined) return;
  const image = change.type === "delete" ? change.before : change.after;
  const valueIn = (name: string): SqlValue => image[change.shape.columns.indexOf(name)] as SqlValue;
  const name = valueIn("name");
  if (change.type === "delete") {
    if (isEqual) target.run(`DELETE FROM main.${SEQUENCE_TABLE} WHERE name = ?`, [name]);
    return;
  }
  const larger = isEqual ? "?" : "max(seq, ?)";
  const seq = valueIn("seq");
  if (target.run(`UPDATE main.${SEQUENCE_TABLE} SET seq = ${larger} WHERE name = ?`, [seq, name]) > 0) return;
  const isThere = target.sqlOf("table", String(name)) !== undefined;
  if (isThere) target.run(`INSERT INTO main.${SEQUENCE_TABLE} (name, seq) VALUES (?, ?)`, [name, seq]);
}
