import { expect, test } from "vitest";
import { createRandom } from "../support/random.js";
import { type MergeReplica, MergeSite } from "./merge-site.js";

const START = `CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT, y INTEGER UNIQUE, z);
CREATE TABLE w(p TEXT COLLATE NOCASE, q INTEGER, r, PRIMARY KEY (p, q)) WITHOUT ROWID;
CREATE TABLE k(code TEXT PRIMARY KEY, v REAL, doubled AS (v * 2));
CREATE TABLE n(v, b BLOB);
CREATE TABLE s(id INTEGER PRIMARY KEY AUTOINCREMENT, v);
CREATE VIRTUAL TABLE f USING fts5(x, content='a', content_rowid='id');
CREATE TRIGGER a_i AFTER INSERT ON a BEGIN INSERT INTO f(rowid, x) VALUES (NEW.id, NEW.x); END;
CREATE TRIGGER a_d AFTER DELETE ON a BEGIN INSERT INTO f(f, rowid, x) VALUES ('delete', OLD.id, OLD.x); END;
CREATE TRIGGER a_u AFTER UPDATE ON a BEGIN INSERT INTO f(f, rowid, x) VALUES ('delete', OLD.id, OLD.x); INSERT INTO f(rowid, x) VALUES (NEW.id, NEW.x); END;
CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)`;

type Random = (below: number) => number;

/** One statement of an app's. */
function statement(random: Random, round: number): string {
  const id = random(60);
  const big =
    random(8) === 0 ? `hex(zeroblob(${3000 + random(9000)}))` : `'word${random(50)} text${random(50)}'`;
  const choices = [
    `DELETE FROM a WHERE id = ${id} OR y = ${id + 1000}; INSERT INTO a(id, x, y) VALUES (${id}, ${big}, ${random(2) === 0 ? "NULL" : id + 1000})`,
    `UPDATE a SET x = ${big} WHERE id % 7 = ${random(7)}`,
    "UPDATE a SET y = -y; UPDATE a SET y = CASE WHEN -y % 2 = 0 THEN -y + 1 ELSE -y - 1 END",
    `DELETE FROM a WHERE id > ${id} AND id % 3 = 0`,
    `INSERT INTO w VALUES ('k${random(20)}', ${random(5)}, ${big}) ON CONFLICT DO UPDATE SET r = excluded.r, p = upper(p)`,
    `DELETE FROM w WHERE q = ${random(5)}`,
    `INSERT OR REPLACE INTO k(code, v) VALUES ('c${random(30)}', ${random(1000)} / 8.0)`,
    `UPDATE OR REPLACE k SET code = 'c${random(30)}' WHERE code = 'c${random(30)}'`,
    `INSERT INTO n VALUES (${random(5)}, zeroblob(${random(6000)}))`,
    `UPDATE n SET v = v + 1 WHERE rowid % 4 = ${random(4)}`,
    `DELETE FROM n WHERE v = ${random(8)}`,
    `INSERT INTO s(v) VALUES (${big})`,
    `DELETE FROM s WHERE id % 2 = ${random(2)}`,
    `INSERT OR REPLACE INTO r VALUES (${id}, ${id}, ${id + random(9)})`,
    `CREATE TABLE IF NOT EXISTS t${random(3)}(id INTEGER PRIMARY KEY, v); INSERT INTO n(v) VALUES ('made')`,
    `DROP TABLE IF EXISTS t${random(3)}`,
    `ALTER TABLE a ADD COLUMN c${round}_${random(1000)} DEFAULT ${random(9)}`,
    `CREATE INDEX IF NOT EXISTS i${random(3)} ON n(v, b)`,
    `DROP INDEX IF EXISTS i${random(3)}`,
    "VACUUM",
  ];
  return choices[random(choices.length)] as string;
}

/** Everything that is to be the same: the order of rows and of the schema is not. */
function contents(rows: (sql: string) => unknown[][]): unknown {
  const tables = rows(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'turso%' AND name NOT LIKE 'sqlite_s%' ORDER BY name",
  );
  return {
    schema: rows(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'turso%' AND name NOT LIKE 'sqlite_autoindex_turso%' AND name <> 'sqlite_stat1' ORDER BY type, name",
    ),
    rows: tables.map(([name]) => [
      name,
      rows(`SELECT * FROM "${name}"`)
        .map((row) => row.map((value) => (Buffer.isBuffer(value) ? value.toString("hex") : value)).join("|"))
        .sort(),
    ]),
    found: rows("SELECT rowid FROM f WHERE f MATCH 'word1 OR word2 OR word3' ORDER BY rowid"),
    near: rows("SELECT id FROM r WHERE x0 > 20 ORDER BY id"),
  };
}

function work(replica: MergeReplica, random: Random, round: number): void {
  for (let count = 1 + random(12); count > 0; count--) replica.run(statement(random, round));
}

function check(site: MergeSite): void {
  site.check();
  site.main.exec("INSERT INTO f(f, rank) VALUES ('integrity-check', 1)");
  expect(site.rows("SELECT rtreecheck('r')")).toEqual([["ok"]]);
}

test.each([1, 2])("the database has all that a lone replica did (seed %i)", async (seed) => {
  const random = createRandom(seed);
  const below: Random = (limit) => Math.floor(random() * limit);
  const site = new MergeSite(START);
  const replica = site.replica();
  for (let round = 0; round < 12; round++) {
    work(replica, below, round);
    expect(await replica.push()).toMatchObject({ refused: 0, isExact: true });
    expect(contents((sql) => site.rows(sql))).toEqual(contents((sql) => replica.rows(sql)));
  }
  check(site);
});

test.each([5, 6])(
  "replicas that push and pull at random leave an intact database (seed %i)",
  async (seed) => {
    const random = createRandom(seed);
    const below: Random = (limit) => Math.floor(random() * limit);
    const site = new MergeSite(START);
    const replicas = [site.replica(), site.replica(), site.replica()];
    for (let round = 0; round < 15; round++) {
      const replica = replicas[below(3)] as MergeReplica;
      work(replica, below, round);
      await replica.push();
      if (below(2) === 0) {
        replica.pull();
        expect(contents((sql) => replica.rows(sql))).toEqual(contents((sql) => site.rows(sql)));
      }
    }
    check(site);
  },
);
