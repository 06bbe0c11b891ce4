import { foldName, quoteIdentifier, type SchemaRow, type TableDifference } from "@tributary/core";
import { eachChange } from "./each-change.js";
import type { MergeTarget } from "./merge-target.js";
import { TableMerger } from "./table-merger.js";

/** Modules that can make their index anew from its content: https://www.sqlite.org/fts5.html#the_rebuild_command */
const FULL_TEXT = /\bUSING\s+["'[`]?fts[345]\b/i;

/** What a virtual table keeps in tables of its own. */
interface VirtualTable {
  /** As the replica has it. */
  readonly row: SchemaRow;
  /** Shadow tables with rows that differ. */
  readonly changed: readonly TableDifference[];
  /** All rows of all its shadow tables, as the replica has them. */
  readonly whole: () => readonly TableDifference[];
  /** Names of all its shadow tables. */
  readonly shadows: readonly string[];
  /** Whether the replica has made it, or made it anew. */
  readonly isNew: boolean;
}

/**
 * Brings the content of virtual tables over, which is in shadow tables of their own:
 * - The rows of shadow tables as they are, where nobody else has written.
 * - Of a full text index else its texts, row by row, and then the index is made from them, or from the table that it takes
 *   them from.
 * - Of others, and of a full text index that keeps no texts, all that the replica has; what others have entered meanwhile is
 *   lost, and `tributary_refused` tells that.
 *
 * The virtual tables of this connection know nothing of it: it is of no use to others afterwards.
 */
export class ShadowMerger {
  readonly #target: MergeTarget;
  readonly #isEqual: boolean;
  readonly #giveWay: () => Promise<void> | undefined;

  /** `giveWay` as that of `TimeSlice`. */
  constructor(target: MergeTarget, isEqual: boolean, giveWay: () => Promise<void> | undefined) {
    this.#target = target;
    this.#isEqual = isEqual;
    this.#giveWay = giveWay;
    target.openShadowTables();
  }

  async merge(table: VirtualTable): Promise<void> {
    const { row, changed } = table;
    if (this.#target.sqlOf("table", row.name) === undefined) {
      await this.#keepAside(table);
      return;
    }
    const isFullText = FULL_TEXT.test(row.sql ?? "");
    if (this.#isEqual && !table.isNew) await this.#copy(changed);
    else if (!isFullText || this.#isEqual) await this.#replace(table);
    else {
      await this.#copy(changed.filter(({ shape }) => isContent(row.name, shape.table)));
      const name = quoteIdentifier(row.name);
      const sql = `INSERT INTO ${name} (${name}) VALUES ('rebuild')`;
      if (this.#target.attempt(() => void this.#target.run(sql)) !== undefined) await this.#replace(table);
    }
  }

  /** Others have dropped it. Its texts have no place any more; the rest was made of them. */
  async #keepAside({ row, changed }: VirtualTable): Promise<void> {
    const refusal = { code: "SQLITE_ERROR", message: `no such table: ${row.name}` };
    const contents = changed.filter(({ shape }) => isContent(row.name, shape.table));
    for (const difference of contents)
      await eachChange(difference.rows(), this.#giveWay, (change) => this.#target.refuseRow(change, refusal));
    if (contents.length === 0) this.#target.refuseSchema(row.name, row.sql ?? "", refusal);
  }

  async #replace({ row, whole, shadows, isNew }: VirtualTable): Promise<void> {
    for (const name of shadows) {
      if (this.#target.columnsOf(name).length > 0)
        this.#target.run(`DELETE FROM main.${quoteIdentifier(name)}`);
    }
    await this.#copy(whole());
    if (this.#isEqual || isNew) return;
    const message = `others had changed ${row.name}: its content is that of the replica now`;
    this.#target.refuseSchema(row.name, row.sql ?? "", { code: "SQLITE_ERROR", message });
  }

  async #copy(differences: readonly TableDifference[]): Promise<void> {
    for (const { shape, rows } of differences) {
      const merger = new TableMerger(this.#target, shape);
      await eachChange(rows(), this.#giveWay, (change) => merger.merge(change));
      await merger.finish(this.#giveWay);
    }
  }
}

function isContent(virtual: string, shadow: string): boolean {
  return foldName(shadow) === `${foldName(virtual)}_content`;
}
