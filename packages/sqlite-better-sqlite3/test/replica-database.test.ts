import Database from "better-sqlite3";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { Kysely, SqliteDialect } from "kysely";
import { describe, expect, test } from "vitest";
import { ReplicaDatabase } from "../src/index.js";
import { openHarness } from "./capture-harness.js";

const T = "CREATE TABLE t(id INTEGER PRIMARY KEY, a)";

describe("the app's connection is a Database", () => {
  test("reads are native statements", () => {
    const { db } = openHarness(T);
    expect(db).toBeInstanceOf(Database);
    expect(db).toBeInstanceOf(ReplicaDatabase);
    const native = new Database(":memory:").prepare("SELECT 1");
    for (const sql of [
      "SELECT 1",
      "WITH x AS (SELECT 1 AS i) SELECT replace(i, 1, 2) FROM x",
      "VALUES (1)",
      "PRAGMA user_version",
    ]) {
      const statement = db.prepare(sql);
      expect(Object.getPrototypeOf(statement)).toBe(Object.getPrototypeOf(native));
      expect(Object.hasOwn(statement, "run")).toBe(false);
    }
  });

  test("statements chain and keep their modes", () => {
    const { db, tape } = openHarness(T);
    const insert = db.prepare("INSERT INTO t(a) VALUES(@a) RETURNING id, a");
    expect(insert).toBeInstanceOf(Object.getPrototypeOf(db.prepare("SELECT 1")).constructor);
    expect(insert.reader).toBe(true);
    expect(insert.database).toBe(db);
    expect(insert.columns().map((column) => column.name)).toEqual(["id", "a"]);
    expect(insert.get({ a: "x" })).toEqual({ id: 1, a: "x" });
    expect(insert.all({ a: "y" })).toEqual([{ id: 2, a: "y" }]);
    expect(insert.raw().all({ a: "z" })).toEqual([[3, "z"]]);
    expect(insert.raw(false).pluck().get({ a: "p" })).toBe(4);
    expect(insert.expand().get({ a: "e" })).toEqual({ t: { id: 5, a: "e" } });
    expect(insert.safeIntegers().pluck().get({ a: "s" })).toBe(6n);
    expect([...insert.iterate({ a: "i" })]).toEqual([7n]);
    const bound = db.prepare("UPDATE t SET a = ? WHERE id = ?").bind("bound", 1);
    expect(bound.run()).toEqual({ changes: 1, lastInsertRowid: 7 });
    expect(() => insert.run()).toThrow(TypeError);
    expect(() => db.prepare("INSERT INTO t VALUES(1,2)").get()).toThrow(TypeError);
    expect(() => db.prepare("SELECT 1; SELECT 2")).toThrow(RangeError);
    expect(() => db.prepare("")).toThrow(RangeError);
    expect(() => db.prepare(5 as unknown as string)).toThrow(TypeError);
    expect(() => db.exec("INSERT INTO t VALUES(20,1); nonsense; INSERT INTO t VALUES(21,1)")).toThrow(
      /syntax/,
    );
    expect(tape()).toHaveLength(9);
  });

  test("errors stay better-sqlite3's", () => {
    const { db } = openHarness("CREATE TABLE t(a UNIQUE)");
    db.exec("INSERT INTO t VALUES(1)");
    const code = "SQLITE_CONSTRAINT_UNIQUE";
    expect(() => db.prepare("INSERT INTO t VALUES(1)").run()).toThrow(expect.objectContaining({ code }));
    expect(() => db.exec("INSERT INTO t VALUES(1)")).toThrow(Database.SqliteError);
  });

  test("transactions of every kind, nested, failing", () => {
    const { db, tape } = openHarness(T);
    const insert = db.prepare("INSERT INTO t(a) VALUES(?)");
    const add = db.transaction((...values: string[]) =>
      values.map((value) => insert.run(value).lastInsertRowid),
    );
    expect(add("a")).toEqual([1]);
    expect(add.deferred("b")).toEqual([2]);
    expect(add.immediate("c", "d")).toEqual([3, 4]);
    expect((add.exclusive as typeof add).deferred("e")).toEqual([5]);
    const outer = db.transaction(() => {
      add("f");
      try {
        db.transaction(() => {
          insert.run("lost");
          throw new Error("inner");
        })();
      } catch {}
    });
    outer();
    expect(() =>
      db.transaction(() => {
        insert.run("lost");
        throw new Error("out");
      })(),
    ).toThrow("out");
    expect(() => db.transaction(5 as unknown as () => void)).toThrow(TypeError);
    expect(tape()).toEqual(
      ["a", "b", "c", "d", "e", "f"].map((value, index) => `+t[${index + 1},"${value}"]`),
    );
  });

  test("drizzle", () => {
    const { db: client, tape, expectReplays } = openHarness(T);
    const table = sqliteTable("t", { id: integer().primaryKey(), a: text() });
    const db = drizzle(client);
    expect(db.insert(table).values({ a: "x" }).returning().all()).toEqual([{ id: 1, a: "x" }]);
    db.transaction(
      (tx) => {
        tx.insert(table)
          .values([{ a: "y" }, { a: "z" }])
          .run();
        tx.update(table).set({ a: "w" }).where(eq(table.id, 1)).run();
      },
      { behavior: "immediate" },
    );
    db.delete(table).where(eq(table.id, 2)).run();
    expect(db.select().from(table).all()).toEqual([
      { id: 1, a: "w" },
      { id: 3, a: "z" },
    ]);
    expect(tape()).toEqual(['+t[1,"x"]', '+t[2,"y"]', '+t[3,"z"]', '~t[1,"x"]>[1,"w"]', '-t[2,"y"]']);
    expectReplays();
  });

  test("kysely", async () => {
    const harness = openHarness();
    const db = new Kysely<{ t: { id: number; a: string } }>({
      dialect: new SqliteDialect({ database: harness.db }),
    });
    await db.schema
      .createTable("t")
      .addColumn("id", "integer", (column) => column.primaryKey())
      .addColumn("a", "text")
      .execute();
    await db.transaction().execute(async (tx) => {
      await tx.insertInto("t").values({ id: 1, a: "x" }).execute();
      await tx.updateTable("t").set({ a: "y" }).execute();
    });
    await expect(
      db.transaction().execute(async (tx) => {
        await tx.insertInto("t").values({ id: 2, a: "lost" }).execute();
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await db.selectFrom("t").selectAll().execute()).toEqual([{ id: 1, a: "y" }]);
    expect(harness.tape()).toEqual([
      '!CREATE TABLE IF NOT EXISTS "t" ("id" integer primary key, "a" text)',
      '+t[1,"x"]',
      '~t[1,"x"]>[1,"y"]',
    ]);
    expect(harness.io.transactionBoundaries()).toEqual([1, 3]);
  });
});

describe("transaction boundaries", () => {
  test("are the ends of committed transactions, however they are made", () => {
    let commits = 0;
    const { db, io } = openHarness(T, {
      onLocalCommit: () => {
        commits += 1;
      },
    });
    const insert = db.prepare("INSERT INTO t(a) VALUES(?) RETURNING id");
    insert.get("1");
    db.exec("INSERT INTO t(a) VALUES(2),(3); INSERT INTO t(a) VALUES(4)");
    db.exec("BEGIN; INSERT INTO t(a) VALUES(5); COMMIT; BEGIN; INSERT INTO t(a) VALUES(6)");
    insert.all("7");
    expect(io.transactionBoundaries()).toEqual([1, 4, 5]);
    db.prepare("COMMIT").run();
    db.prepare("SAVEPOINT s").run();
    insert.get("8");
    db.prepare("RELEASE s").run();
    db.transaction(() => {
      insert.get("9");
      insert.get("10");
    })();
    const iterator = insert.iterate("11");
    iterator.next();
    expect(io.transactionBoundaries()).toEqual([1, 4, 5, 7, 8, 10]);
    iterator.return?.();
    expect(io.transactionBoundaries()).toEqual([1, 4, 5, 7, 8, 10, 11]);
    const before = commits;
    db.exec("BEGIN; INSERT INTO t(a) VALUES(12); ROLLBACK");
    expect(() =>
      db.transaction(() => {
        insert.get("lost");
        throw new Error("x");
      })(),
    ).toThrow("x");
    db.transaction(() => db.prepare("SELECT 1").get())();
    expect(commits).toBe(before);
    db.exec("CREATE TABLE u(x)");
    expect(io.transactionBoundaries().at(-1)).toBe(12);
    expect(commits).toBe(before + 1);
  });
});
