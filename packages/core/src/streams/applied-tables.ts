import { foldName } from "../capture/schema-row.js";
import type { TableShape } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { PUSH_POSITION_TABLE, RESERVED_PREFIX } from "../tape/tape-schema.js";

/** The columns of the tables here, as far as incoming changes have asked for them. */
export class AppliedTables {
  readonly #columns: Map<string, ReadonlySet<string>> = new Map();

  /** The schema has changed. */
  forget(): void {
    this.#columns.clear();
  }

  /** The columns of a table, as `foldName` writes them. Fails with `schema-mismatch` where changes of this shape have no place. */
  *columnsFor(shape: TableShape): Coroutine<ReadonlySet<string>> {
    const { table, key } = shape;
    const columns = yield* this.#columnsOf(table);
    if (columns.size === 0) {
      throw new SyncError(
        "schema-mismatch",
        `There is no table ${table} here. Make it, or begin with a snapshot.`,
        { table },
      );
    }
    const missing =
      key.type === "rowid" ? undefined : key.columns.find((name) => !columns.has(foldName(name)));
    if (missing === undefined) return columns;
    throw new SyncError(
      "schema-mismatch",
      `The table ${table} has no column ${missing} here, which is in the sender's key.`,
      { table },
    );
  }

  *#columnsOf(table: string): Coroutine<ReadonlySet<string>> {
    const known = this.#columns.get(table);
    if (known !== undefined) return known;
    const rows = isReserved(table)
      ? []
      : yield* io.querySql("writer", "SELECT name FROM pragma_table_info(?, 'main')", [table]);
    const columns = new Set(rows.map(([name]) => foldName(String(name))));
    this.#columns.set(table, columns);
    return columns;
  }
}

/** Whether a table is none of the app's: no package may touch it. */
function isReserved(table: string): boolean {
  const name = foldName(table);
  return name.startsWith(RESERVED_PREFIX) || name.startsWith("sqlite_") || name === PUSH_POSITION_TABLE;
}
