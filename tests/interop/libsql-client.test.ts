import { type Client, createClient, type InValue } from "@libsql/client";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { serveForFile } from "./support/serve-for-file.js";

const shared = serveForFile({ lockTimeoutMs: 20_000 });

const MAX = 9_223_372_036_854_775_807n;
const bytes = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;

// What is sent, what comes back with `intMode: "bigint"`, and what SQLite holds. Numbers are always sent as floats.
const VALUES: readonly [InValue, unknown, string][] = [
  [null, null, "null"],
  [0n, 0n, "integer"],
  [MAX, MAX, "integer"],
  [-MAX - 1n, -MAX - 1n, "integer"],
  [true, 1n, "integer"],
  [1, 1, "real"],
  [0.1, 0.1, "real"],
  [-1.7976931348623157e308, -1.7976931348623157e308, "real"],
  [5e-324, 5e-324, "real"],
  [new Date(86_400_000), 86_400_000, "real"],
  ["", "", "text"],
  ["Grüße, 世界 👋🏽 \"'\\ \u2028", "Grüße, 世界 👋🏽 \"'\\ \u2028", "text"],
  ["nul \u0000 inside", "nul \u0000 inside", "text"],
  [new Uint8Array(), bytes(), "blob"],
  [new Uint8Array([0, 255, 128, 1]), bytes(0, 255, 128, 1), "blob"],
];

describe.each(["http", "ws", "libsql"])("@libsql/client over %s:", (scheme) => {
  let client: Client;
  let table = "";
  let tables = 0;

  const open = (options: Partial<Parameters<typeof createClient>[0]> = {}): Client => {
    const opened = createClient({ url: shared.url(scheme), ...options });
    onTestFinished(() => opened.close());
    return opened;
  };
  const names = async (where = "1"): Promise<unknown[]> => {
    const { rows } = await client.execute(`SELECT name FROM ${table} WHERE ${where} ORDER BY id`);
    return rows.map((row) => row.name);
  };

  beforeAll(() => {
    client = createClient({ url: shared.url(scheme) });
  });
  beforeEach(async () => {
    table = `${scheme}_${++tables}`;
    await client.execute(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL)`);
  });
  afterAll(() => client.close());

  test("values of all types come back as they were sent", async () => {
    const exact = open({ intMode: "bigint" });
    const results = await exact.batch(
      VALUES.map(([value]) => ({ sql: "SELECT ? AS value, typeof(?1) AS type", args: [value] })),
      "read",
    );
    expect(results.map(({ rows }) => [rows[0]?.value, rows[0]?.type])).toEqual(
      VALUES.map(([, value, type]) => [value, type]),
    );
  });

  test("integers come back as the client wants them", async () => {
    const large = "SELECT 9007199254740993 AS n";
    await expect(client.execute(large)).rejects.toThrow(RangeError);
    expect((await client.execute("SELECT -9007199254740991 AS n")).rows[0]?.n).toBe(-9007199254740991);
    expect((await open({ intMode: "string" }).execute(large)).rows[0]?.n).toBe("9007199254740993");
    expect((await open({ intMode: "bigint" }).execute(large)).rows[0]?.n).toBe(9007199254740993n);
  });

  test("arguments by position, number and name; columns, types, counts and row ids", async () => {
    const inserted = await client.execute({
      sql: `INSERT INTO ${table} (id, name) VALUES (:id, $name)`,
      args: { id: 100, name: "named" },
    });
    expect(inserted).toMatchObject({ rowsAffected: 1, lastInsertRowid: 100n, rows: [] });
    const returned = await client.execute(`INSERT INTO ${table} VALUES (?2, ?1) RETURNING id, name AS n`, [
      "numbered",
      101n,
    ]);
    expect(returned).toMatchObject({ columns: ["id", "n"], columnTypes: ["INTEGER", "TEXT"] });
    expect(returned.rows.map((row) => [...Array.from(row), row.n])).toEqual([[101, "numbered", "numbered"]]);
    const updated = await client.execute(`UPDATE ${table} SET name = name || '!' WHERE id IN (100, 101)`);
    expect(updated.rowsAffected).toBe(2);
    const twice = await client.execute("SELECT 1 AS a, 2 AS a");
    expect(twice.columns).toEqual(["a", "a"]);
    expect((await client.execute(`DELETE FROM ${table} WHERE id >= 100`)).rowsAffected).toBe(2);
  });

  test("errors carry the codes of SQLite", async () => {
    await client.execute(`INSERT INTO ${table} (id, name) VALUES (200, 'taken')`);
    const code = (sql: string, args: InValue[] = []): Promise<unknown> =>
      client.execute({ sql, args }).then(
        () => "none",
        (error: { code: string }) => error.code,
      );
    expect(await code(`INSERT INTO ${table} (name) VALUES ('taken')`)).toBe("SQLITE_CONSTRAINT");
    expect(await code(`INSERT INTO ${table} (name) VALUES (NULL)`)).toBe("SQLITE_CONSTRAINT");
    expect(await code("SELECT 1; SELECT 2")).toBe("SQL_MANY_STATEMENTS");
    expect(await code("-- nothing")).toBe("SQL_NO_STATEMENT");
    expect(await code("SELECT ?, ?", [1])).toBe("ARGS_INVALID");
    expect(await code("ATTACH ':memory:' AS other")).toBe("SQL_PARSE_ERROR");
    await expect(client.execute("SELECT * FROM missing")).rejects.toThrow("no such table: missing");
    await expect(client.execute("SELEC 1")).rejects.toThrow('near "SELEC": syntax error');
  });

  test.each(["write", "deferred"] as const)("a batch in mode %s is all or nothing", async (mode) => {
    const insert = (name: string) => ({ sql: `INSERT INTO ${table} (name) VALUES (?)`, args: [name] });
    const done = await client.batch([insert("a"), insert("b"), `SELECT count(*) AS n FROM ${table}`], mode);
    expect(done.map((result) => result.rowsAffected)).toEqual([1, 1, 0]);
    expect(done[2]?.rows[0]?.n).toBe(2);
    await expect(client.batch([insert("c"), insert("a"), insert("d")], mode)).rejects.toMatchObject({
      code: "SQLITE_CONSTRAINT",
      statementIndex: 1,
    });
    expect(await names()).toEqual(["a", "b"]);
  });

  test("a batch in mode read sees one state, and several statements run as one text", async () => {
    await client.executeMultiple(`
      INSERT INTO ${table} (name) VALUES ('one;'); -- a comment;
      INSERT INTO ${table} (name) VALUES ('two');
    `);
    const count = `SELECT count(*) AS n FROM ${table}`;
    expect((await client.batch([count, count], "read")).map(({ rows }) => rows[0]?.n)).toEqual([2, 2]);
    await expect(
      client.executeMultiple(`DELETE FROM ${table}; INSERT INTO missing VALUES (1); SELECT 1`),
    ).rejects.toThrow("no such table");
    expect(await names()).toEqual([]);
  });

  test("a migration turns foreign keys off, and on again", async () => {
    const parent = `${scheme}_parent`;
    const child = `${scheme}_child`;
    await client.batch([
      `CREATE TABLE ${parent} (id INTEGER PRIMARY KEY)`,
      `CREATE TABLE ${child} (id INTEGER REFERENCES ${parent})`,
      `INSERT INTO ${parent} VALUES (1)`,
      `INSERT INTO ${child} VALUES (1)`,
    ]);
    // What every migration tool does to change a column.
    await client.migrate([
      `CREATE TABLE ${parent}_new (id INTEGER PRIMARY KEY, note TEXT)`,
      `INSERT INTO ${parent}_new (id) SELECT id FROM ${parent}`,
      `DROP TABLE ${parent}`,
      `ALTER TABLE ${parent}_new RENAME TO ${parent}`,
    ]);
    expect((await client.execute(`SELECT id, note FROM ${parent}`)).rows).toMatchObject([
      { id: 1, note: null },
    ]);
    await expect(client.execute(`INSERT INTO ${child} VALUES (7)`)).rejects.toThrow("FOREIGN KEY");
    await expect(
      client.migrate(["CREATE TABLE never (a)", "INSERT INTO missing VALUES (1)"]),
    ).rejects.toThrow("no such table");
    await expect(client.execute("SELECT * FROM never")).rejects.toThrow("no such table");
  });

  test("a transaction commits, rolls back, and goes on after an error in it", async () => {
    const insert = (name: string) => ({ sql: `INSERT INTO ${table} (name) VALUES (?)`, args: [name] });
    const first = await client.transaction("write");
    await first.execute(insert("kept"));
    await expect(first.execute(insert("kept"))).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    await first.batch([insert("kept too"), insert("and this")]);
    await first.executeMultiple(`DELETE FROM ${table} WHERE name = 'and this'; SELECT 1;`);
    expect((await first.execute(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n).toBe(2);
    expect(await names()).toEqual([]);
    await first.commit();
    expect(first.closed).toBe(true);
    await expect(first.execute("SELECT 1")).rejects.toMatchObject({ code: "TRANSACTION_CLOSED" });

    const second = await client.transaction("deferred");
    await second.execute(insert("never"));
    await second.rollback();
    const third = await client.transaction("write");
    await third.execute(insert("nor this"));
    third.close();
    const reader = await client.transaction("read");
    expect((await reader.execute(`SELECT name FROM ${table}`)).rows).toHaveLength(2);
    await reader.commit();
  });

  test("transactions at once wait for each other, and none is lost", async () => {
    await client.execute(`INSERT INTO ${table} (id, name) VALUES (300, '0')`);
    const add = async (): Promise<void> => {
      const transaction = await client.transaction("write");
      try {
        const { rows } = await transaction.execute(`SELECT name FROM ${table} WHERE id = 300`);
        const next = String(Number(rows[0]?.name) + 1);
        await transaction.execute({ sql: `UPDATE ${table} SET name = ? WHERE id = 300`, args: [next] });
        await transaction.commit();
      } finally {
        transaction.close();
      }
    };
    await Promise.all(Array.from({ length: 12 }, add));
    expect(await names("id = 300")).toEqual(["12"]);
  });

  test("rows by the thousand, and a value of a megabyte", async () => {
    const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)";
    const { rows } = await client.execute(`${numbers} SELECT i, 'row ' || i AS text FROM n`);
    expect(rows).toHaveLength(20_000);
    expect(rows[19_999]).toMatchObject({ i: 20_000, text: "row 20000" });
    const large = new Uint8Array(1_000_000).fill(7);
    const echoed = await client.execute("SELECT ? AS value", [large]);
    expect(Buffer.compare(new Uint8Array(echoed.rows[0]?.value as ArrayBuffer), large)).toBe(0);
  });

  test("the same text many times is stored at the server once, and goes on working when it changes meaning", async () => {
    const transaction = await client.transaction("write");
    for (let turn = 0; turn < 3; turn++) {
      await transaction.batch(
        Array.from({ length: 40 }, (_, index) => ({
          sql: `INSERT INTO ${table} (name) VALUES (? || '/${index}')`,
          args: [`turn ${turn}`],
        })),
      );
    }
    await transaction.rollback();
    const all = `SELECT * FROM ${table}`;
    expect((await client.execute(all)).columns).toEqual(["id", "name"]);
    await client.execute(`ALTER TABLE ${table} ADD COLUMN extra`);
    expect((await client.execute(all)).columns).toEqual(["id", "name", "extra"]);
  });
});
