import {
  foldName,
  ImageDamage,
  type ImageDifference,
  PUSH_POSITION_TABLE,
  RESERVED_PREFIX,
  type Renamed,
  type RowChange,
  type SchemaRow,
  sameName,
} from "@tributary/core";
import { isDefinition } from "./is-definition.js";

/** A row of the schema that has its text: all but those of the indexes that constraints make. */
export type SchemaObject = SchemaRow & { readonly sql: string };

/** A table that has another text after, or another name. */
export interface AlteredTable {
  readonly before: SchemaObject;
  readonly after: SchemaObject;
  /** Columns that have another name: their values are compared as those of one column. */
  readonly renamedColumns: readonly Renamed[];
  /** What became of its rows. */
  readonly changes: () => Iterable<RowChange>;
}

/** What a replica did to its schema, in the kinds that are merged differently. Tables do not include shadow tables. */
export interface SchemaDifference {
  /** Virtual tables that are gone, or are made otherwise now. */
  readonly droppedVirtualTables: readonly SchemaObject[];
  readonly droppedTables: readonly SchemaObject[];
  readonly alteredTables: readonly AlteredTable[];
  /** Tables and virtual tables that are new or made otherwise, in the order of the schema. */
  readonly createdTables: readonly SchemaObject[];
  /** Indexes, views and triggers that are gone, and their new forms where they are not; those of dropped tables among them. */
  readonly droppedObjects: readonly SchemaObject[];
  /** Indexes, views and triggers that are new or read differently, in the order of the schema. */
  readonly createdObjects: readonly SchemaObject[];
}

/**
 * Compares two schemas. `isShadow` tells tables that a virtual table makes by itself. Throws `ImageDamage` where the one after
 * has a row that SQLite would not have written.
 */
export function findSchemaDifference(
  { before, after, renamedTables, tables }: ImageDifference,
  isShadow: (table: string) => boolean,
): SchemaDifference {
  // What is there already was let in: only what is new is refused.
  const isThere = new Set(before.rows.map((row) => JSON.stringify(row)));
  for (const row of after.rows) {
    if (isThere.has(JSON.stringify(row)) || isDefinition(row)) continue;
    throw new ImageDamage(`The schema has a row that makes no ${row.type} ${row.name}.`);
  }
  const old = objectsOf(before.rows, isShadow);
  const made = objectsOf(after.rows, isShadow);
  const formerNames = new Map(renamedTables.map(({ from, to }) => [foldName(to), from]));
  const alteredTables: AlteredTable[] = [];
  const createdTables: SchemaObject[] = [];
  const createdObjects: SchemaObject[] = [];
  const kept = new Set<SchemaObject>();
  for (const object of made.values()) {
    const former = object.type === "table" ? formerNames.get(foldName(object.name)) : undefined;
    const found = old.get(former === undefined ? keyOf(object) : keyOf({ ...object, name: former }));
    const isSame = found !== undefined && found.sql === object.sql && found.table === object.table;
    if (isSame) kept.add(found);
    else if (object.type !== "table") createdObjects.push(object);
    else if (found !== undefined && !isVirtual(found) && !isVirtual(object)) {
      kept.add(found);
      const rows = tables.find(({ shape }) => sameName(shape.table, object.name));
      alteredTables.push({
        before: found,
        after: object,
        renamedColumns: rows?.renamedColumns ?? [],
        changes: () => rows?.rows() ?? [],
      });
    } else createdTables.push(object);
  }
  const dropped = [...old.values()].filter((object) => !kept.has(object));
  const droppedTables = dropped.filter(({ type }) => type === "table");
  return {
    droppedVirtualTables: droppedTables.filter(isVirtual),
    droppedTables: droppedTables.filter((object) => !isVirtual(object)),
    alteredTables,
    createdTables,
    droppedObjects: dropped.filter(({ type }) => type !== "table"),
    createdObjects,
  };
}

/** Whether it is a CREATE VIRTUAL TABLE. */
export function isVirtual({ sql }: { readonly sql: string | null }): boolean {
  return sql !== null && /^CREATE VIRTUAL TABLE /i.test(sql);
}

/** Whether a name is none of the app's: nothing of that is merged. */
function isReserved(name: string): boolean {
  const folded = foldName(name);
  return folded.startsWith(RESERVED_PREFIX) || folded.startsWith("sqlite_") || folded === PUSH_POSITION_TABLE;
}

function objectsOf(
  rows: readonly SchemaRow[],
  isShadow: (table: string) => boolean,
): ReadonlyMap<string, SchemaObject> {
  const objects = new Map<string, SchemaObject>();
  for (const row of rows) {
    if (row.sql === null || isReserved(row.name) || isReserved(row.table) || isShadow(row.table)) continue;
    if (!isDefinition(row)) continue;
    const object = { ...row, sql: row.sql };
    objects.set(keyOf(object), object);
  }
  return objects;
}

function keyOf({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type} ${foldName(name)}`;
}
