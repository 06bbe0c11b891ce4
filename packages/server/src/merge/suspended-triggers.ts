import { foldName, quoteIdentifier, type SchemaRow } from "@tributary/core";
import type { MergeTarget } from "./merge-target.js";

/**
 * Triggers of the database that the replica has as well: what they did there is among its rows, so here they must not do it
 * again. Before a table is written they are dropped, and made again in the end, in their order. Triggers that only the
 * database has do run: what they do is not among the rows.
 */
export class SuspendedTriggers {
  readonly #target: MergeTarget;
  readonly #known: ReadonlySet<string>;
  readonly #all: boolean;
  readonly #suspended: { readonly place: bigint; readonly sql: string }[] = [];

  /** `all`: those that only the database has, too, because one of them has rolled everything back. */
  constructor(target: MergeTarget, schemas: readonly (readonly SchemaRow[])[], all: boolean) {
    this.#target = target;
    this.#all = all;
    this.#known = new Set(
      schemas.flatMap((rows) =>
        rows.filter(({ type }) => type === "trigger").map(({ name }) => foldName(name)),
      ),
    );
  }

  /** To be called before the first change of a table. */
  suspend(table: string): void {
    const sql =
      "SELECT rowid, name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE";
    for (const [place, name, text] of this.#target.query(sql, [table])) {
      if (!this.#all && !this.#known.has(foldName(String(name)))) continue;
      this.#suspended.push({ place: place as bigint, sql: String(text) });
      this.#target.execute(`DROP TRIGGER main.${quoteIdentifier(String(name))}`);
    }
  }

  restore(): void {
    const inOrder = this.#suspended.splice(0).sort((a, b) => (a.place < b.place ? -1 : 1));
    for (const { sql } of inOrder) {
      // Its table may be gone, or its name another trigger's.
      const refusal = this.#target.attempt(() => this.#target.execute(sql));
      if (refusal !== undefined) this.#target.refuseSchema(null, sql, refusal);
    }
  }
}
