import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { Kysely, SqliteDialect } from "kysely";
import { expect, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";

const notes = sqliteTable("notes", {
  id: integer("id").primaryKey(),
  body: text("body").notNull(),
});
const starredNotes = sqliteTable("notes", {
  id: integer("id").primaryKey(),
  body: text("body").notNull(),
  stars: integer("stars"),
});

test("Drizzle runs on replica.db across pulls that change the schema", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  const replica = await replicaOf(remote.url);
  const orm = drizzle(replica.db);
  const byId = orm
    .select()
    .from(notes)
    .where(eq(notes.id, sql.placeholder("id")))
    .prepare();
  orm.transaction((tx) => {
    tx.insert(notes).values({ id: 1, body: "one" }).run();
    tx.insert(notes).values({ id: 2, body: "two" }).run();
  });
  expect(() =>
    orm.transaction((tx) => {
      tx.insert(notes).values({ id: 3, body: "never" }).run();
      tx.rollback();
    }),
  ).toThrow();
  expect(orm.update(notes).set({ body: "ONE" }).where(eq(notes.id, 1)).returning().all()).toEqual([
    { id: 1, body: "ONE" },
  ]);
  await remote.query("ALTER TABLE notes ADD COLUMN stars INTEGER");
  await remote.query("INSERT INTO notes VALUES (10, 'ten', 5)");
  await replica.sync();
  expect(byId.all({ id: 1 })).toEqual([{ id: 1, body: "ONE" }]);
  expect(byId.all({ id: 10 })).toEqual([{ id: 10, body: "ten" }]);
  orm.update(starredNotes).set({ stars: 3 }).where(eq(starredNotes.id, 2)).run();
  await replica.sync();
  expect(await remote.query("SELECT id, body, stars FROM notes ORDER BY id")).toEqual([
    [1n, "ONE", null],
    [2n, "two", 3n],
    [10n, "ten", 5n],
  ]);
});

interface Schema {
  notes: { id: number; body: string; stars: number | null };
}

test("Kysely runs on replica.db across pulls that change the schema", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  const replica = await replicaOf(remote.url);
  const kysely = new Kysely<Schema>({ dialect: new SqliteDialect({ database: replica.db }) });
  await kysely.transaction().execute(async (tx) => {
    await tx
      .insertInto("notes")
      .values({ id: 1, body: "one" } as never)
      .execute();
    await tx
      .insertInto("notes")
      .values({ id: 2, body: "two" } as never)
      .execute();
  });
  const query = kysely.selectFrom("notes").select(["id", "body"]).orderBy("id");
  expect(await query.execute()).toHaveLength(2);
  await remote.query("ALTER TABLE notes ADD COLUMN stars INTEGER");
  await replica.sync();
  await kysely.schema
    .createTable("tags")
    .addColumn("name", "text", (column) => column.primaryKey())
    .execute();
  await kysely.updateTable("notes").set({ stars: 4 }).where("id", "=", 2).execute();
  expect(await kysely.selectFrom("notes").selectAll().where("id", "=", 2).execute()).toEqual([
    { id: 2, body: "two", stars: 4 },
  ]);
  await replica.sync();
  expect(await query.execute()).toEqual([
    { id: 1, body: "one" },
    { id: 2, body: "two" },
  ]);
  expect(await remote.query("SELECT stars FROM notes WHERE id = 2")).toEqual([[4n]]);
  expect(await remote.query("SELECT count(*) FROM tags")).toEqual([[0n]]);
});

test("statements prepared before a pull that changes the schema go on working", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  const replica = await replicaOf(remote.url);
  const insert = replica.db.prepare("INSERT INTO notes (id, body) VALUES (?, ?)");
  const update = replica.db
    .prepare("UPDATE notes SET body = body || '!' WHERE id = ? RETURNING body")
    .pluck();
  const all = replica.db.prepare("SELECT * FROM notes ORDER BY id");
  insert.run(1, "one");
  await remote.query("ALTER TABLE notes ADD COLUMN stars INTEGER DEFAULT 1");
  await remote.query("CREATE TABLE other (x)");
  await replica.sync();
  insert.run(2, "two");
  expect(update.get(1)).toBe("one!");
  expect(all.all()).toEqual([
    { id: 1, body: "one!", stars: 1 },
    { id: 2, body: "two", stars: 1 },
  ]);
  expect((await replica.stats()).pendingChanges).toBe(2);
  await replica.sync();
  expect(await remote.query("SELECT * FROM notes ORDER BY id")).toEqual([
    [1n, "one!", 1n],
    [2n, "two", 1n],
  ]);
});
