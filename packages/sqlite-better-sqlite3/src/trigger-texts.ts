import {
  type CapturedTable,
  type CaptureTrigger,
  type CaptureTriggerOptions,
  captureTriggers,
} from "@tributary/core";

/** A trigger as `sqlite_schema` has it. */
export interface StoredTrigger {
  readonly name: string;
  readonly table: string;
  /** The statement as SQLite keeps it: without TEMP. */
  readonly sql: string;
}

/** What `sqlite_schema` has of triggers of a table. */
export function storedTriggers(table: string, triggers: readonly CaptureTrigger[]): StoredTrigger[] {
  return triggers.map(({ name, sql }) => ({ name, table, sql: sql.replace(/^CREATE TEMP /, "CREATE ") }));
}

/**
 * The capture triggers of the tables as they were made last. A table whose description is the same has the same ones: so
 * a schema statement costs the making of those only that it changes.
 */
export class TriggerTexts {
  #made = new Map<string, readonly StoredTrigger[]>();

  /** The triggers of these tables; forgets those of all others. */
  of(
    tables: readonly { table: CapturedTable; shapeId: number; options: CaptureTriggerOptions }[],
  ): StoredTrigger[] {
    const before = this.#made;
    this.#made = new Map();
    return tables.flatMap(({ table, shapeId, options }) => {
      const key = JSON.stringify([table, shapeId, options]);
      const triggers =
        before.get(key) ?? storedTriggers(table.shape.table, captureTriggers(table, shapeId, options));
      this.#made.set(key, triggers);
      return triggers;
    });
  }
}
