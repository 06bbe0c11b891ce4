import { createRandom, type SeededRandom } from "@tributary/testkit";
import {
  copyTables,
  type ModelTable,
  type ModelTables,
  type ModelValue,
  mergeTables,
} from "./libsql-offline-model.js";

/** One statement of a device. */
export interface DeviceStatement {
  readonly sql: string;
  readonly args: readonly ModelValue[];
}

/** What all devices begin with. */
export const OFFLINE_SCHEMA = [
  "CREATE TABLE notes (id TEXT PRIMARY KEY, a TEXT, b TEXT)",
  "CREATE TABLE lines (device TEXT, n INTEGER)",
  "CREATE TABLE pairs (id TEXT, a TEXT, b TEXT, PRIMARY KEY (id)) WITHOUT ROWID",
] as const;

/** The same, for the model. */
export function offlineTables(): ModelTables {
  const table = (...columns: string[]): ModelTable => ({ columns: new Set(columns), rows: new Map() });
  return new Map([
    ["notes", table("id", "a", "b")],
    ["lines", table("device", "n")],
    ["pairs", table("id", "a", "b")],
  ]);
}

/**
 * What one device writes, from one seed, and what its replica holds then. Rows and tables that it makes have names of its
 * own, but for a few that all devices make.
 */
export class OfflineWriter {
  /** Changes that had no place any more when they were merged. */
  refused = 0;
  local: ModelTables;
  #synced: ModelTables;
  readonly #name: string;
  readonly #random: SeededRandom;
  readonly #indexes: string[] = [];
  #last = 0;

  constructor(name: string, seed: number, tables: ModelTables) {
    this.#name = name;
    this.#random = createRandom(seed);
    this.local = copyTables(tables);
    this.#synced = copyTables(tables);
  }

  /** Whether the replica has something to push: its next `sync()` does that, and does not pull. */
  isDirty = false;

  /** Statements of one transaction; they count as committed. */
  next(): DeviceStatement[] {
    this.isDirty = true;
    return Array.from({ length: 1 + this.#random.below(4) }, () => this.#statement());
  }

  /** What `sync()` does: `shared` is what the server holds. */
  sync(shared: ModelTables): void {
    if (this.isDirty) {
      this.refused += mergeTables(shared, this.#synced, this.local);
    } else {
      this.local = copyTables(shared);
    }
    this.#synced = copyTables(this.local);
    this.isDirty = false;
  }

  #statement(): DeviceStatement {
    const choice = this.#random.below(100);
    if (choice < 30) return this.#insert(this.#pickTable(), `${this.#name}/${++this.#last}`);
    if (choice < 38) return this.#insertShared();
    if (choice < 46) return this.#insertLine();
    if (choice < 78) return this.#update();
    if (choice < 86) return this.#delete();
    return this.#changeSchema();
  }

  #insert(table: string, id: string): DeviceStatement {
    const [a, b] = [this.#text(), this.#text()];
    this.#table(table).rows.set(
      id,
      new Map<string, ModelValue>([
        ["id", id],
        ["a", a],
        ["b", b],
      ]),
    );
    return { sql: `INSERT INTO "${table}" (id, a, b) VALUES (?, ?, ?)`, args: [id, a, b] };
  }

  /** A row that others make as well. */
  #insertShared(): DeviceStatement {
    const id = `shared/${this.#random.below(5)}`;
    const table = this.#random.pick(["notes", "pairs"]);
    const row = this.#table(table).rows.get(id);
    if (row === undefined) return this.#insert(table, id);
    return this.#set(table, id, "a");
  }

  /** Rows without a key: two devices give them the same rowids. */
  #insertLine(): DeviceStatement {
    const n = BigInt(++this.#last);
    const row = new Map<string, ModelValue>([
      ["device", this.#name],
      ["n", n],
    ]);
    this.#table("lines").rows.set(`${this.#name}/${n}`, row);
    return { sql: "INSERT INTO lines (device, n) VALUES (?, ?)", args: [this.#name, n] };
  }

  #update(): DeviceStatement {
    const table = this.#pickTable();
    const { rows, columns } = this.#table(table);
    if (rows.size === 0) return this.#insert(table, `${this.#name}/${++this.#last}`);
    const column = this.#random.pick([...columns].filter((name) => name !== "id"));
    return this.#set(table, this.#random.pick([...rows.keys()]), column);
  }

  #set(table: string, id: string, column: string): DeviceStatement {
    const value = this.#text();
    this.#table(table).rows.get(id)?.set(column, value);
    return { sql: `UPDATE "${table}" SET "${column}" = ? WHERE id = ?`, args: [value, id] };
  }

  #delete(): DeviceStatement {
    const table = this.#pickTable();
    // A row that all make stays: made anew at once, it would be another row or the same one, as one takes it.
    const keys = [...this.#table(table).rows.keys()].filter((key) => !key.startsWith("shared/"));
    if (keys.length === 0) return this.#insert(table, `${this.#name}/${++this.#last}`);
    const id = this.#random.pick(keys);
    this.#table(table).rows.delete(id);
    return { sql: `DELETE FROM "${table}" WHERE id = ?`, args: [id] };
  }

  #changeSchema(): DeviceStatement {
    const name = `${this.#name}_${++this.#last}`;
    const own = this.#ownTables();
    switch (this.#random.below(5)) {
      case 0:
        if (own.length > 2) return this.#drop(own[0] as string);
        this.local.set(`of_${name}`, { columns: new Set(["id", "a", "b"]), rows: new Map() });
        return { sql: `CREATE TABLE of_${name} (id TEXT PRIMARY KEY, a TEXT, b TEXT)`, args: [] };
      case 1:
        if (own.length === 0) return this.#insertLine();
        return this.#drop(this.#random.pick(own));
      case 2: {
        const table = this.#pickTable();
        const { columns } = this.#table(table);
        if (columns.size > 12) return this.#insertLine();
        columns.add(`c_${name}`);
        return { sql: `ALTER TABLE "${table}" ADD COLUMN c_${name} TEXT`, args: [] };
      }
      case 3:
        this.#indexes.push(`by_${name}`);
        return { sql: `CREATE INDEX by_${name} ON notes (a, b)`, args: [] };
      default: {
        const index = this.#indexes.shift();
        return index === undefined ? this.#insertLine() : { sql: `DROP INDEX ${index}`, args: [] };
      }
    }
  }

  #drop(table: string): DeviceStatement {
    this.local.delete(table);
    return { sql: `DROP TABLE "${table}"`, args: [] };
  }

  #ownTables(): string[] {
    return [...this.local.keys()].filter((table) => table.startsWith(`of_${this.#name}_`));
  }

  #pickTable(): string {
    return this.#random.pick([...this.local.keys()].filter((table) => table !== "lines"));
  }

  #table(name: string): ModelTable {
    return this.local.get(name) as ModelTable;
  }

  #text(): string {
    return "x".repeat(this.#random.below(120)) + this.#random.below(1_000_000);
  }
}
