import Database from "better-sqlite3";
import type { Coroutine } from "../../../src/coroutine/coroutine.js";
import { runSync } from "../../../src/coroutine/run-sync.js";
import { TablePages } from "../../../src/sqlite-format/table-pages.js";
import { PAGE_SIZE } from "../../../src/values/page.js";

/** A database in memory, with what SQLite itself says of its pages. */
export class MemoryDatabase {
  readonly db: Database.Database;
  /** The pages as they were last looked at. */
  image: Uint8Array = new Uint8Array(0);

  constructor(...pragmas: readonly string[]) {
    this.db = new Database(":memory:");
    this.db.pragma("page_size = 4096");
    for (const pragma of pragmas) this.db.pragma(pragma);
  }

  get size(): number {
    return this.image.length / PAGE_SIZE;
  }

  /** Looks at the pages; gives the numbers of those that are others than before, or were not there. */
  look(): Uint32Array {
    const before = this.image;
    this.image = new Uint8Array(this.db.serialize());
    const changed: number[] = [];
    for (let at = 0; at < this.image.length; at += PAGE_SIZE) {
      const page = Buffer.from(this.image.buffer, at, PAGE_SIZE);
      if (at >= before.length || !page.equals(before.subarray(at, at + PAGE_SIZE)))
        changed.push(at / PAGE_SIZE + 1);
    }
    return Uint32Array.from(changed);
  }

  /** All tables that an app could ask about. */
  tables(): string[] {
    const names = this.db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .pluck()
      .all() as string[];
    return names.filter((name) => !/^(sqlite_|tributary_|turso_sync_last_change_id$)/.test(name));
  }

  /** By page number, the tree that SQLite finds it in, as the table that it belongs to, and whether it holds a long row. */
  owners(): Map<number, { readonly table: string; readonly isOverflow: boolean }> {
    const rows = this.db
      .prepare(
        `SELECT d.pageno AS page, coalesce(s.tbl_name, d.name) AS tree, d.pagetype AS type
         FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name AND s.rootpage > 0`,
      )
      .all() as { page: number; tree: string; type: string }[];
    return new Map(
      rows.map(({ page, tree, type }) => [page, { table: tree, isOverflow: type === "overflow" }]),
    );
  }

  /** Reads pages of the image. `onRead` is told of each. */
  open(onRead: (page: number) => void = () => {}): TablePages {
    const image = (): Uint8Array => this.image;
    // biome-ignore lint/correctness/useYield: answers without asking the host.
    return new TablePages(function* (page) {
      onRead(page);
      return image().slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
    });
  }
}

/** Runs what asks nothing of a host. */
export function run<T>(coroutine: Coroutine<T>): T {
  return runSync(coroutine, {} as never);
}
