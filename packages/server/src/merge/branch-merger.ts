import {
  CREATE_POSITION_TABLE,
  foldName,
  type RowChange,
  SET_POSITION,
  type TableDifference,
} from "@tributary/core";
import { eachChange } from "./each-change.js";
import type { BranchMerge, MergeCount } from "./merge-branch.js";
import { mergeSequence, SEQUENCE_TABLE } from "./merge-sequences.js";
import { MergeTarget } from "./merge-target.js";
import { raiseSchemaVersion } from "./raise-schema-version.js";
import { namesOf } from "./run-definition.js";
import { isVirtual } from "./schema-difference.js";
import { SchemaMerger } from "./schema-merger.js";
import { ShadowMerger } from "./shadow-merger.js";
import { SuspendedTriggers } from "./suspended-triggers.js";
import { TableMerger } from "./table-merger.js";

/** One go at a merge, inside a transaction: repeats what differs in the order in which it can be repeated. */
export class BranchMerger {
  readonly #merge: BranchMerge;
  readonly #target: MergeTarget;
  readonly #triggers: SuspendedTriggers;

  /** `withoutTriggers`: none of the database's fire. */
  constructor(merge: BranchMerge, withoutTriggers: boolean) {
    this.#merge = merge;
    this.#target = new MergeTarget(merge.connection, merge.work.clientId);
    const { before, after } = merge.difference.rows;
    this.#triggers = new SuspendedTriggers(this.#target, [before.rows, after.rows], withoutTriggers);
  }

  /** Does it all. Throws as `mergeBranch` does. */
  async run(): Promise<MergeCount> {
    const { rows, schema: changes } = this.#merge.difference;
    const schema = new SchemaMerger(this.#target, changes, namesOf(rows.after.rows));
    schema.beforeRows();
    const { ordinary, sequences, shadows } = this.#sort();
    for (const table of ordinary) await this.#mergeTable(table);
    await this.#mergeVirtualTables(shadows);
    schema.dropTables();
    // After the rows, which move the numbers on by themselves.
    for (const table of sequences)
      await this.#each(table.rows(), (change) => mergeSequence(this.#target, change, this.#merge.isEqual));
    this.#triggers.restore();
    schema.createObjects();
    this.#finish();
    return {
      changes: this.#target.changes,
      refused: this.#target.refused,
      isExact: this.#target.isExact,
    };
  }

  #sort(): {
    ordinary: TableDifference[];
    sequences: TableDifference[];
    shadows: Map<string, TableDifference[]>;
  } {
    const ordinary: TableDifference[] = [];
    const sequences: TableDifference[] = [];
    const shadows = new Map<string, TableDifference[]>();
    const { difference } = this.#merge;
    for (const table of difference.rows.tables) {
      const virtual = difference.virtualOf(table.shape.table);
      if (virtual !== undefined) shadows.set(virtual, [...(shadows.get(virtual) ?? []), table]);
      else if (foldName(table.shape.table) === SEQUENCE_TABLE) sequences.push(table);
      else ordinary.push(table);
    }
    return { ordinary, sequences, shadows };
  }

  async #mergeTable(table: TableDifference): Promise<void> {
    let merger: TableMerger | undefined;
    await this.#each(table.rows(), (change) => {
      // Only where there is something to change: making triggers anew makes all clients read the schema anew.
      if (merger === undefined) this.#triggers.suspend(table.shape.table);
      merger ??= new TableMerger(this.#target, table.shape);
      merger.merge(change);
    });
    await merger?.finish(this.#merge.giveWay);
  }

  async #mergeVirtualTables(changed: ReadonlyMap<string, readonly TableDifference[]>): Promise<void> {
    const { isEqual, difference } = this.#merge;
    const created = new Set(difference.schema.createdTables.map(({ name }) => foldName(name)));
    let merger: ShadowMerger | undefined;
    for (const row of difference.rows.after.rows.filter(isVirtual)) {
      const key = foldName(row.name);
      const isNew = created.has(key);
      const differences = (changed.get(key) ?? []).filter(hasRows);
      if (differences.length === 0 && !isNew) continue;
      merger ??= new ShadowMerger(this.#target, isEqual, this.#merge.giveWay);
      await merger.merge({
        row,
        changed: differences,
        whole: () => difference.allRowsOf(key),
        shadows: difference.shadowsOf(key),
        isNew,
      });
    }
  }

  #finish(): void {
    const { before, after } = this.#merge.difference.rows;
    const { clientId, upTo } = this.#merge.work;
    if (before.userVersion !== after.userVersion)
      this.#target.execute(`PRAGMA user_version = ${after.userVersion}`);
    if (before.applicationId !== after.applicationId)
      this.#target.execute(`PRAGMA application_id = ${after.applicationId}`);
    this.#target.execute(CREATE_POSITION_TABLE);
    this.#target.run(SET_POSITION, [clientId, 0n, BigInt(upTo)]);
    raiseSchemaVersion(this.#target, this.#merge.difference.images);
  }

  #each(changes: Iterable<RowChange>, work: (change: RowChange) => void): Promise<void> {
    return eachChange(changes, this.#merge.giveWay, work);
  }
}

function hasRows(table: TableDifference): boolean {
  for (const _ of table.rows()) return true;
  return false;
}
