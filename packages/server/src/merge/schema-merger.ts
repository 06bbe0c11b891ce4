import {
  alterationSql,
  findAlterations,
  foldName,
  parseTableDefinition,
  quoteIdentifier,
} from "@tributary/core";
import type { MergeTarget } from "./merge-target.js";
import { rebuildTable } from "./rebuild-table.js";
import { runDefinition, type SchemaNames } from "./run-definition.js";
import {
  type AlteredTable,
  isVirtual,
  type SchemaDifference,
  type SchemaObject,
} from "./schema-difference.js";

/**
 * Repeats what a replica did to its schema on the database, whose schema others may have changed as well: what is done
 * already is left alone, and what cannot be done is kept in `tributary_refused`. Around the rows, in this order: indexes,
 * views and triggers that are gone; virtual tables that are gone; tables renamed, altered and made; then the rows; then
 * tables that are gone; then indexes, views and triggers.
 */
export class SchemaMerger {
  readonly #target: MergeTarget;
  readonly #difference: SchemaDifference;
  readonly #names: SchemaNames;
  /** The text that objects had here which are to be made anew, for the case that they cannot. */
  readonly #replaced = new Map<SchemaObject["name"], string>();

  /** `names` of the replica's schema. */
  constructor(target: MergeTarget, difference: SchemaDifference, names: SchemaNames) {
    this.#target = target;
    this.#difference = difference;
    this.#names = names;
  }

  /** What must be done before the rows. */
  beforeRows(): void {
    const { droppedObjects, droppedVirtualTables, alteredTables, createdTables } = this.#difference;
    for (const object of droppedObjects) this.#dropObject(object);
    for (const object of droppedVirtualTables) this.#drop(object);
    for (const altered of alteredTables) this.#alter(altered);
    for (const object of createdTables) this.#createTable(object);
  }

  dropTables(): void {
    for (const object of this.#difference.droppedTables) this.#drop(object);
  }

  /** Makes indexes, views and triggers. */
  createObjects(): void {
    for (const object of this.#difference.createdObjects) {
      const { type, name, sql } = object;
      const found = this.#target.sqlOf(type, name);
      if (found === sql) continue;
      if (found !== undefined) this.#dropObject(object);
      const refusal = runDefinition(this.#target, sql, this.#names);
      if (refusal === undefined) continue;
      this.#target.refuseSchema(object.table, sql, refusal);
      const former = this.#replaced.get(keyOf(object));
      if (former !== undefined) this.#target.attempt(() => this.#target.execute(former));
    }
  }

  #dropObject(object: SchemaObject): void {
    const found = this.#target.sqlOf(object.type, object.name);
    if (found !== undefined) this.#replaced.set(keyOf(object), found);
    this.#drop(object);
  }

  #drop(object: SchemaObject): void {
    const sql = dropSql(object);
    const refusal = this.#target.attempt(() => this.#target.execute(sql));
    if (refusal !== undefined) this.#target.refuseSchema(object.table, sql, refusal);
  }

  #createTable(object: SchemaObject): void {
    const found = this.#target.sqlOf("table", object.name);
    if (found !== undefined) {
      if (found !== object.sql && !isVirtual(object)) this.#addColumns(object);
      return;
    }
    const refusal = runDefinition(this.#target, object.sql, this.#names);
    if (refusal !== undefined) this.#target.refuseSchema(object.name, object.sql, refusal);
  }

  /** Somebody else has made a table by that name: it gets the columns that it lacks. */
  #addColumns({ name, sql }: SchemaObject): void {
    const known = new Set(this.#target.allColumnsOf(name).map(foldName));
    for (const column of parseTableDefinition(sql)?.columns ?? []) {
      if (known.has(foldName(column.name))) continue;
      this.#alterBy(name, alterationSql(name, { type: "add", column: column.name, definition: column.text }));
    }
  }

  #alter(altered: AlteredTable): void {
    const { before, after } = altered;
    const isRenamed = before.name !== after.name;
    if (isRenamed) this.#rename(before.name, after.name);
    const found = this.#target.sqlOf("table", after.name);
    // Dropped by others: that stays.
    if (found === undefined || found === after.sql) return;
    const from = parseTableDefinition(before.sql);
    const to = parseTableDefinition(after.sql);
    const renamed = isRenamed ? { from: before.name, to: after.name } : undefined;
    const alterations = from && to && findAlterations(from, to, altered.renamedColumns, renamed);
    if (alterations === undefined) {
      const refusal = this.#target.attempt(() => rebuildTable(this.#target, altered, this.#names));
      if (refusal !== undefined) this.#target.refuseSchema(after.name, after.sql, refusal);
      return;
    }
    for (const alteration of alterations) {
      const columns = new Set(this.#target.allColumnsOf(after.name).map(foldName));
      const has = (name: string): boolean => columns.has(foldName(name));
      const isDone =
        alteration.type === "add"
          ? has(alteration.column)
          : !has(alteration.type === "drop" ? alteration.column : alteration.from);
      if (!isDone) this.#alterBy(after.name, alterationSql(after.name, alteration));
    }
  }

  #rename(from: string, to: string): void {
    if (this.#target.sqlOf("table", from) === undefined) return;
    this.#alterBy(from, `ALTER TABLE ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(to)}`);
  }

  /** Where the schema has a view or trigger that does not fit, only the old way of ALTER TABLE works. */
  #alterBy(table: string, sql: string): void {
    const refusal = runDefinition(this.#target, sql, this.#names);
    if (refusal === undefined) return;
    const again = this.#target.attempt(() => this.#target.alterInTheOldWay(sql));
    if (again !== undefined) this.#target.refuseSchema(table, sql, refusal);
  }
}

function dropSql({ type, name }: SchemaObject): string {
  return `DROP ${type.toUpperCase()} IF EXISTS main.${quoteIdentifier(name)}`;
}

function keyOf({ type, name }: SchemaObject): string {
  return `${type} ${foldName(name)}`;
}
