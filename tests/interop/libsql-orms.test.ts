import { createClient } from "@libsql/client";
import { LibsqlDialect } from "@libsql/kysely-libsql";
import { PrismaLibSql } from "@prisma/adapter-libsql";
import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/libsql";
import { blob, integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { Kysely, sql as kyselySql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { serveForFile } from "./support/serve-for-file.js";

const shared = serveForFile();

describe.each(["http", "ws"])("Drizzle over %s:", (scheme) => {
  const notes = sqliteTable(`drizzle_${scheme}`, {
    id: integer("id").primaryKey({ autoIncrement: true }),
    body: text("body").notNull().unique(),
    stars: real("stars"),
    data: blob("data", { mode: "buffer" }),
    tags: text("tags", { mode: "json" }).$type<string[]>(),
    made: integer("made", { mode: "timestamp_ms" }),
    done: integer("done", { mode: "boolean" }).notNull().default(false),
  });

  const open = async () => {
    const client = createClient({ url: shared.url(scheme) });
    onTestFinished(() => client.close());
    const orm = drizzle(client);
    await orm.run(sql`DROP TABLE IF EXISTS ${notes}`);
    await orm.run(
      sql`CREATE TABLE ${notes} (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL UNIQUE, stars REAL, data BLOB, tags TEXT, made INTEGER, done INTEGER NOT NULL DEFAULT 0)`,
    );
    return orm;
  };

  test("rows of all kinds are inserted, found, changed and deleted", async () => {
    const orm = await open();
    const row = {
      body: "one 🙂",
      stars: 4.5,
      data: Buffer.from([0, 255]),
      tags: ["a", "b"],
      made: new Date(1_700_000_000_123),
      done: true,
    };
    expect(await orm.insert(notes).values(row).returning()).toEqual([{ id: 1, ...row }]);
    await orm
      .insert(notes)
      .values([{ body: "two" }, { body: "one 🙂" }])
      .onConflictDoUpdate({ target: notes.body, set: { stars: 5 } });
    const byBody = orm
      .select()
      .from(notes)
      .where(eq(notes.body, sql.placeholder("body")))
      .prepare();
    expect(await byBody.all({ body: "one 🙂" })).toEqual([{ id: 1, ...row, stars: 5 }]);
    expect(await byBody.get({ body: "two" })).toMatchObject({
      stars: null,
      data: null,
      tags: null,
      done: false,
    });
    const updated = await orm.update(notes).set({ done: true });
    expect(updated.rowsAffected).toBe(2);
    expect(await orm.$count(notes, eq(notes.done, true))).toBe(2);
    await orm.delete(notes).where(eq(notes.id, 1));
    expect(await orm.select({ body: notes.body }).from(notes)).toEqual([{ body: "two" }]);
  });

  test("transactions, nested ones and batches are all or nothing", async () => {
    const orm = await open();
    await orm.transaction(async (tx) => {
      await tx.insert(notes).values({ body: "outer" });
      await expect(
        tx.transaction(async (nested) => {
          await nested.insert(notes).values({ body: "inner" });
          nested.rollback();
        }),
      ).rejects.toThrow();
    });
    const failed = orm.transaction(async (tx) => {
      await tx.insert(notes).values({ body: "never" });
      await tx.insert(notes).values({ body: "outer" });
    });
    await expect(failed).rejects.toMatchObject({ cause: { code: "SQLITE_CONSTRAINT" } });
    await expect(
      orm.batch([orm.insert(notes).values({ body: "nor" }), orm.insert(notes).values({ body: "outer" })]),
    ).rejects.toThrow();
    const [, bodies] = await orm.batch([
      orm.insert(notes).values({ body: "batched" }),
      orm.select({ body: notes.body }).from(notes).orderBy(notes.id),
    ]);
    expect(bodies).toEqual([{ body: "outer" }, { body: "batched" }]);
  });
});

interface Schema {
  kysely_http: { id: number; body: string };
  kysely_ws: { id: number; body: string };
}

test.each(["http", "ws"] as const)("Kysely over %s:", async (scheme) => {
  const table = `kysely_${scheme}` as const;
  const kysely = new Kysely<Schema>({ dialect: new LibsqlDialect({ url: shared.url(scheme) }) });
  onTestFinished(() => kysely.destroy());
  await kysely.schema
    .createTable(table)
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("body", "text", (column) => column.notNull().unique())
    .execute();
  const inserted = await kysely.insertInto(table).values({ id: 1, body: "one" }).executeTakeFirst();
  expect(inserted).toMatchObject({ insertId: 1n, numInsertedOrUpdatedRows: 1n });
  await kysely.transaction().execute(async (tx) => {
    await tx.insertInto(table).values({ id: 2, body: "two" }).execute();
    expect(await tx.selectFrom(table).selectAll().execute()).toHaveLength(2);
  });
  const failed = kysely.transaction().execute(async (tx) => {
    await tx.insertInto(table).values({ id: 3, body: "three" }).execute();
    await tx.insertInto(table).values({ id: 4, body: "one" }).execute();
  });
  await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
  const updated = await kysely
    .updateTable(table)
    .set({ body: kyselySql`upper(body)` })
    .where("id", "=", 2)
    .returning("body")
    .execute();
  expect(updated).toEqual([{ body: "TWO" }]);
  expect(await kysely.selectFrom(table).select("body").orderBy("id").execute()).toEqual([
    { body: "one" },
    { body: "TWO" },
  ]);
  const [described] = (await kysely.introspection.getTables()).filter(({ name }) => name === table);
  expect(described?.columns.map(({ name, dataType }) => [name, dataType])).toEqual([
    ["id", "INTEGER"],
    ["body", "TEXT"],
  ]);
});

// Prisma's generated client needs its query compiler, a download of its own: this drives the adapter as that would.
test.each(["http", "ws"])("Prisma's adapter over %s:", async (scheme) => {
  const table = `prisma_${scheme}`;
  const adapter = await new PrismaLibSql({ url: shared.url(scheme) }).connect();
  onTestFinished(() => adapter.dispose());
  const plain = (text: string) => ({ sql: text, args: [], argTypes: [] });
  const insert = (id: string, body: string) => ({
    sql: `INSERT INTO ${table} (id, body, data, made) VALUES (?, ?, ?, ?)`,
    args: [id, body, "AP8=", "2024-01-02T03:04:05.678Z"],
    argTypes: (["bigint", "string", "bytes", "datetime"] as const).map((scalarType) => ({
      scalarType,
      arity: "scalar" as const,
    })),
  });
  await adapter.executeScript(
    `CREATE TABLE ${table} (id BIGINT PRIMARY KEY, body TEXT NOT NULL UNIQUE, data BLOB, made DATETIME); CREATE INDEX ${table}_made ON ${table} (made);`,
  );
  expect(await adapter.executeRaw(insert("9007199254740991", "one"))).toBe(1);
  const all = plain(`SELECT id, body, data, made FROM ${table} ORDER BY id`);
  expect(await adapter.queryRaw(all)).toEqual({
    columnNames: ["id", "body", "data", "made"],
    columnTypes: [1, 7, 13, 10],
    rows: [[9007199254740991, "one", new Uint8Array([0, 255]), "2024-01-02T03:04:05.678+00:00"]],
  });
  // Remote errors carry no numbers, so the adapter tells all of them by their text.
  await expect(adapter.executeRaw(insert("2", "one"))).rejects.toMatchObject({
    cause: { kind: "sqlite", originalMessage: expect.stringContaining("UNIQUE constraint failed") },
  });

  const first = await adapter.startTransaction("SERIALIZABLE");
  await first.executeRaw(insert("3", "three"));
  await first.createSavepoint?.("s1");
  await first.executeRaw(insert("4", "four"));
  await first.rollbackToSavepoint?.("s1");
  await first.releaseSavepoint?.("s1");
  await expect(first.executeRaw(insert("5", "one"))).rejects.toThrow();
  await first.commit();
  const second = await adapter.startTransaction();
  await second.executeRaw(plain(`DELETE FROM ${table}`));
  await second.rollback();
  expect((await adapter.queryRaw(plain(`SELECT body FROM ${table} ORDER BY id`))).rows).toEqual([
    ["three"],
    ["one"],
  ]);
});
