import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTapeSql, imageColumns, quoteIdentifier, type TableShape } from "@tributary/core";
import Database from "better-sqlite3";
import { afterEach } from "vitest";
import { type BetterSqlite3Io, type BetterSqlite3Options, createBetterSqlite3 } from "../src/index.js";

interface Entry {
  id: number;
  op: "insert" | "update" | "delete" | "schema";
  table?: string;
  before?: unknown[];
  after?: unknown[];
  sql?: string;
}

export interface Harness {
  io: BetterSqlite3Io;
  db: BetterSqlite3Io["db"];
  /** The tape as compact text: `+t[1,"a"]`, `~t[1]>[2]`, `-t[1]`, `!SQL`. */
  tape(): string[];
  entries(): Entry[];
  /** Replays the tape onto a copy of the start and checks that it arrives at the same content. */
  expectReplays(): void;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

export function temporaryPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "tributary-capture-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "app.db");
}

export function openHarness(schema = "", options: Partial<BetterSqlite3Options> = {}): Harness {
  const path = temporaryPath();
  const start = new Database(path);
  start.exec(schema);
  start.close();
  const io = createBetterSqlite3({ synchronous: "OFF", ...options });
  io.openConnections(path);
  cleanups.push(() => io.closeConnections());
  beginCapture(io);
  const { db } = io;
  const entries = (): Entry[] => readTape(db);
  return {
    io,
    db,
    entries,
    tape: () => entries().map(formatEntry),
    expectReplays: () => {
      const other = new Database(":memory:");
      other.exec(schema);
      replay(other, entries());
      const mine = dump(db);
      const theirs = dump(other);
      if (mine !== theirs)
        throw new Error(
          `replay differs\nreplica:\n${mine}\nreplayed:\n${theirs}\n${entries().map(formatEntry).join("\n")}`,
        );
    },
  };
}

/** What the engine does after a pull: a fresh tape, and capture on both connections. */
export function beginCapture(io: BetterSqlite3Io): void {
  if (!io.tryBeginWrite()) throw new Error("busy");
  io.executeSql("writer", createTapeSql());
  io.refreshCapture("writer");
  io.executeSql("writer", "COMMIT");
  io.refreshCapture("app");
}

const OPS = ["", "insert", "update", "delete", "schema"] as const;

function readTape(db: Database.Database): Entry[] {
  const native = new Database(db.name, { readonly: true });
  const shapes = new Map<bigint, TableShape>();
  for (const [id, text] of native
    .prepare("SELECT id, description FROM tributary_shape")
    .safeIntegers()
    .raw()
    .all() as [bigint, string][]) {
    shapes.set(id, JSON.parse(text) as TableShape);
  }
  const rows = native
    .prepare("SELECT id, shape, op, parked, * FROM tributary_tape ORDER BY id")
    .safeIntegers()
    .raw()
    .all() as unknown[][];
  native.close();
  return rows.map((row): Entry => {
    const op = OPS[Number(row[2])] as Entry["op"];
    const values = row.slice(8);
    const id = Number(row[0]);
    if (op === "schema") return { id, op, sql: String(values[0]) };
    const shape = shapes.get(row[1] as bigint) as TableShape;
    const width = imageColumns(shape).length;
    const first = values.slice(0, width);
    const entry = { id, op, table: shape.table };
    if (op === "insert") return { ...entry, after: first };
    if (op === "delete") return { ...entry, before: first };
    return { ...entry, before: first, after: values.slice(width, width * 2) };
  });
}

function showValue(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number")
    return Object.is(value, -0) ? "-0.0" : Number.isInteger(value) ? `${value}.0` : String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex")}'`;
  return JSON.stringify(value);
}

function formatEntry(entry: Entry): string {
  const image = (values: unknown[] = []): string => `[${values.map(showValue).join(",")}]`;
  switch (entry.op) {
    case "insert":
      return `+${entry.table}${image(entry.after)}`;
    case "update":
      return `~${entry.table}${image(entry.before)}>${image(entry.after)}`;
    case "delete":
      return `-${entry.table}${image(entry.before)}`;
    case "schema":
      return `!${entry.sql}`;
  }
}

/** All user content of a database, for comparing. */
function dump(db: Database.Database): string {
  const other = db.memory ? db : new Database(db.name, { readonly: true });
  const lines: string[] = [];
  const schema = other
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'tributary_%' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .raw()
    .all() as [string, string, string][];
  for (const [type, name, sql] of schema) {
    lines.push(type === "trigger" ? `${type} ${name}` : `${type} ${name} ${sql}`);
    if (type !== "table" || /^f_|_(data|idx|content|docsize|config)$/.test(name)) continue;
    const rows = other
      .prepare(`SELECT * FROM ${quoteIdentifier(name)}`)
      .safeIntegers()
      .raw()
      .all() as unknown[][];
    lines.push(...rows.map((row) => `  ${row.map(showValue).join("|")}`).sort());
  }
  lines.push(`user_version ${other.pragma("user_version", { simple: true })}`);
  if (other !== db) other.close();
  return lines.join("\n");
}

/** The contract of the tape, in its plainest form. */
function replay(db: Database.Database, entries: readonly Entry[]): void {
  db.pragma("foreign_keys = ON");
  db.exec("BEGIN; PRAGMA defer_foreign_keys = ON");
  for (const entry of entries) {
    if (entry.op === "schema") {
      db.exec(entry.sql as string);
      continue;
    }
    const table = quoteIdentifier(entry.table as string);
    const info = db.prepare(`PRAGMA table_xinfo(${table})`).all() as {
      name: string;
      pk: number;
      hidden: number;
    }[];
    const stored = info.filter((column) => column.hidden < 2).map((column) => column.name);
    const key = info
      .filter((column) => column.pk > 0)
      .sort((a, b) => a.pk - b.pk)
      .map((column) => column.name);
    const hasKey = key.length > 0;
    const alias =
      ["rowid", "_rowid_", "oid"].find((name) => !stored.some((column) => column.toLowerCase() === name)) ??
      "";
    const names = hasKey ? stored : [alias, ...stored];
    // A key with a NULL part names no row: the whole image does, as far as anything does.
    const keyed = hasKey ? key : [alias];
    const image = (entry.before ?? entry.after) as unknown[];
    const named = !keyed.some((name) => image[names.indexOf(name)] === null);
    const identity = named ? keyed : names;
    const where = `${named ? "" : `rowid = (SELECT rowid FROM ${table} WHERE `}${identity.map((name) => `${quoteIdentifier(name)} IS ?`).join(" AND ")}${named ? "" : " LIMIT 1)"}`;
    const keyOf = (image: unknown[]): unknown[] => identity.map((name) => image[names.indexOf(name)]);
    const list = names.map(quoteIdentifier).join(", ");
    if (entry.op === "delete")
      db.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...keyOf(entry.before as unknown[]));
    else if (entry.op === "insert") {
      const after = entry.after as unknown[];
      const rest = names.filter((name) => !identity.includes(name));
      const conflict =
        hasKey && named
          ? ` ON CONFLICT (${identity.map(quoteIdentifier).join(", ")}) DO ${rest.length === 0 ? "NOTHING" : `UPDATE SET ${rest.map((name) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`).join(", ")}`}`
          : "";
      if (!hasKey) db.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...keyOf(after));
      db.prepare(`INSERT INTO ${table} (${list}) VALUES (${names.map(() => "?").join(", ")})${conflict}`).run(
        ...after,
      );
    } else {
      const before = entry.before as unknown[];
      const after = entry.after as unknown[];
      const changed = names.filter((_, index) => showValue(before[index]) !== showValue(after[index]));
      if (changed.length === 0) continue;
      db.prepare(
        `UPDATE ${table} SET ${changed.map((name) => `${quoteIdentifier(name)} = ?`).join(", ")} WHERE ${where}`,
      ).run(...changed.map((name) => after[names.indexOf(name)]), ...keyOf(before));
    }
  }
  db.exec("COMMIT");
}
