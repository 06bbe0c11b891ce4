import { imageColumns, type TableShape } from "../capture/table-shape.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import { problemOfShape, shapeId } from "./byte-shape.js";
import type { ChangeGroup, StreamChange } from "./change-package.js";
import { damagedPackage } from "./damaged-package.js";
import { JsonFields } from "./json-fields.js";
import { isPosition } from "./package-problem.js";
import { jsonOfValue, valueOfJson, wellFormed } from "./value-json.js";

/** The fields `tables` and `groups` of a package, as data for `JSON.stringify`. */
export function jsonOfGroups(groups: readonly ChangeGroup[]): { tables: object[]; groups: object[] } {
  const tables: object[] = [];
  const indexes = new Map<string, number>();
  const known = new Map<TableShape, number>();
  const indexOf = (shape: TableShape): number => {
    let index = known.get(shape);
    if (index === undefined) {
      const id = shapeId(shape);
      index = indexes.get(id) ?? tables.length;
      if (index === tables.length) tables.push(jsonOfShape(shape));
      indexes.set(id, index);
      known.set(shape, index);
    }
    return index;
  };
  const list = groups.map(({ origin, originCursor, isWithheld, changes }) => {
    const head = { origin: wellFormed(origin), originCursor };
    return isWithheld
      ? { ...head, withheld: true }
      : { ...head, changes: changes.map((change) => jsonOfChange(change, indexOf)) };
  });
  return { tables, groups: list };
}

function jsonOfShape({ table, columns, key }: TableShape): object {
  const head = { name: wellFormed(table), columns: columns.map(wellFormed) };
  if (key.type === "rowid") return { ...head, rowid: wellFormed(key.alias) };
  return { ...head, key: key.columns.map(wellFormed), keyMayBeNull: key.nullable };
}

function jsonOfChange(change: StreamChange, indexOf: (shape: TableShape) => number): object {
  if (change.type === "schema") return { type: "schema", sql: wellFormed(change.sql) };
  const { type } = change;
  const table = indexOf(change.shape);
  switch (type) {
    case "insert":
      return { type, table, after: change.after.map(jsonOfValue) };
    case "delete":
      return { type, table, before: change.before.map(jsonOfValue) };
    case "update": {
      const { before, after } = change;
      const changed = imageColumns(change.shape).flatMap((name, index) => {
        const value = after[index] as SqlValue;
        return sameValue(before[index] as SqlValue, value) ? [] : [[wellFormed(name), jsonOfValue(value)]];
      });
      // Not an assignment: a column may be named `__proto__`.
      return { type, table, before: before.map(jsonOfValue), changed: Object.fromEntries(changed) };
    }
  }
}

/** Reads the fields `tables` and `groups` of a package. */
export class GroupsParser {
  readonly #tables: readonly { readonly shape: TableShape; readonly columns: readonly string[] }[];
  /** So many of the tables have been named by a change: they are listed as they come up. */
  #named = 0;

  constructor(tables: readonly unknown[]) {
    this.#tables = tables.map((json) => {
      const shape = shapeOf(json);
      return { shape, columns: imageColumns(shape) };
    });
    const ids = new Set(this.#tables.map(({ shape }) => shapeId(shape)));
    if (ids.size !== tables.length) throw damagedPackage("tells of a table twice");
  }

  parse(groups: readonly unknown[]): ChangeGroup[] {
    const parsed = groups.map((group) => this.#group(group));
    if (this.#named !== this.#tables.length) throw damagedPackage("tells of a table that no change names");
    return parsed;
  }

  #group(json: unknown): ChangeGroup {
    const fields = new JsonFields(json, "a group", ["origin", "originCursor", "withheld", "changes"]);
    const isWithheld = fields.has("withheld");
    if (isWithheld && (fields.get("withheld") !== true || fields.has("changes")))
      throw damagedPackage("has a group that is left out and is not");
    const originCursor = fields.number("originCursor");
    if (!isPosition(originCursor)) throw damagedPackage(`has the origin's cursor ${originCursor}`);
    const changes = isWithheld ? [] : fields.list("changes").map((change) => this.#change(change));
    return { origin: fields.text("origin"), originCursor, isWithheld, changes };
  }

  #change(json: unknown): StreamChange {
    const fields = new JsonFields(json, "a change", ["type", "table", "before", "after", "changed", "sql"]);
    const type = fields.text("type");
    const only = (...names: string[]): JsonFields => new JsonFields(json, "a change", names);
    switch (type) {
      case "schema":
        return { type, sql: only("type", "sql").text("sql") };
      case "insert": {
        const { shape, columns } = this.#table(only("type", "table", "after"));
        return { type, shape, after: rowOf(fields.list("after"), columns) };
      }
      case "delete": {
        const { shape, columns } = this.#table(only("type", "table", "before"));
        return { type, shape, before: rowOf(fields.list("before"), columns) };
      }
      case "update": {
        const { shape, columns } = this.#table(only("type", "table", "before", "changed"));
        const before = rowOf(fields.list("before"), columns);
        return { type, shape, before, after: afterOf(before, fields.get("changed"), columns) };
      }
      default:
        throw damagedPackage("has a change of an unknown type");
    }
  }

  #table(fields: JsonFields): { readonly shape: TableShape; readonly columns: readonly string[] } {
    const index = fields.number("table");
    const table = this.#tables[index];
    if (table === undefined || index > this.#named)
      throw damagedPackage(`names a table ${index} that it does not tell of in that place`);
    if (index === this.#named) this.#named++;
    return table;
  }
}

function shapeOf(json: unknown): TableShape {
  const fields = new JsonFields(json, "a table", ["name", "columns", "rowid", "key", "keyMayBeNull"]);
  const head = { table: fields.text("name"), columns: fields.texts("columns") };
  const hasRowid = fields.has("rowid");
  if (hasRowid && (fields.has("key") || fields.has("keyMayBeNull")))
    throw damagedPackage("has a table with a rowid and a key");
  const shape: TableShape = hasRowid
    ? { ...head, key: { type: "rowid", alias: fields.text("rowid") } }
    : {
        ...head,
        key: { type: "columns", columns: fields.texts("key"), nullable: fields.boolean("keyMayBeNull") },
      };
  const problem = problemOfShape(shape);
  if (problem !== undefined) throw damagedPackage(problem);
  return shape;
}

function rowOf(values: readonly unknown[], columns: readonly string[]): SqlRow {
  if (values.length !== columns.length)
    throw damagedPackage(`has a row of ${values.length} values where the table has ${columns.length}`);
  return values.map(valueOfJson);
}

function afterOf(before: SqlRow, json: unknown, columns: readonly string[]): SqlRow {
  if (typeof json !== "object" || json === null) throw damagedPackage("has an update that changes nothing");
  const changed = json as Readonly<Record<string, unknown>>;
  let known = 0;
  const after = columns.map((name, index) => {
    const old = before[index] as SqlValue;
    if (!Object.hasOwn(changed, name)) return old;
    known++;
    const value = valueOfJson(changed[name]);
    if (sameValue(old, value)) throw damagedPackage("changes a column to what it was before");
    return value;
  });
  if (known !== Object.keys(changed).length) throw damagedPackage("changes a column that is not there");
  return after;
}
