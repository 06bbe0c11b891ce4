import { expect, it } from "vitest";
import { createRandom } from "../pages/support/random.js";
import { MemoryDatabase, run } from "./support/memory-database.js";

// Any changes: what is told must hold every table whose content is another, and what is remembered from pull to pull must
// be what reading everything anew would give.

const NAMES = ["a", "b", "c", "d", "e"];
const KINDS = [
  (name: string): string => `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, x, y)`,
  (name: string): string => `CREATE TABLE ${name} (id, x PRIMARY KEY, y) WITHOUT ROWID`,
  (name: string): string => `CREATE TABLE ${name} (id, x UNIQUE, y)`,
];

/** What each table says. */
function contents({ db }: MemoryDatabase): Map<string, string> {
  const tables = db.prepare(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence'",
  );
  return new Map(
    (tables.all() as { name: string; sql: string }[]).map(({ name, sql }) => {
      const rows = db
        .prepare(`SELECT group_concat(id || x || y, '|' ORDER BY x, id) FROM ${name}`)
        .pluck()
        .get();
      return [name, `${sql} ${rows}`];
    }),
  );
}

function statement(random: (bound: number) => number, memory: MemoryDatabase): string {
  const has = new Set(contents(memory).keys());
  const name = NAMES[random(NAMES.length)] as string;
  if (!has.has(name)) return (KINDS[random(KINDS.length)] as (name: string) => string)(name);
  const size = [20, 300, 1500, 6000][random(4)] as number;
  const rows = 1 + random(30);
  const start = random(4000);
  switch (random(12)) {
    case 0:
      return `DELETE FROM ${name}`;
    case 1:
      return `DELETE FROM ${name} WHERE id % 3 = ${random(3)}`;
    case 2:
      return `DELETE FROM ${name} WHERE id BETWEEN ${start} AND ${start + 1500}`;
    case 3:
      return random(3) === 0
        ? `DROP TABLE ${name}`
        : `UPDATE OR REPLACE ${name} SET y = y || '.' WHERE id < ${start}`;
    case 4:
      // As long as it was: SQLite writes over a long row where it lies.
      return `UPDATE OR REPLACE ${name} SET y = replace(y, substr(y, -1), '${random(10)}') WHERE id % 5 = 1`;
    case 5:
      return random(4) === 0 ? "VACUUM" : `UPDATE OR REPLACE ${name} SET id = id + ${random(100)}`;
    case 6:
      return `CREATE INDEX IF NOT EXISTS ${name}_y ON ${name} (y)`;
    case 7:
      return `DROP INDEX IF EXISTS ${name}_y`;
    default:
      return `WITH RECURSIVE n (i) AS (SELECT ${start} UNION ALL SELECT i + 1 FROM n WHERE i < ${start + rows})
        INSERT OR REPLACE INTO ${name} SELECT i, printf('%d-%.*c', i * 7919 % 4001, ${Math.min(size, 700)}, 'k'),
          printf('%d%.*c', i, ${size}, '${random(10)}') FROM n`;
  }
}

it.each([
  [1, []],
  [2, []],
  [3, ["auto_vacuum = FULL"]],
  [4, ["auto_vacuum = INCREMENTAL"]],
])("pull by pull, seed %i", (seed, pragmas) => {
  const random = createRandom(seed);
  const memory = new MemoryDatabase(...pragmas);
  memory.db.exec("CREATE TABLE start (id, x, y)");
  memory.look();
  const pages = memory.open();
  run(pages.load(memory.size));
  let before = contents(memory);
  let exact = 0;
  const pulls = 60;
  for (let pull = 0; pull < pulls; pull++) {
    const owners = memory.owners();
    for (let count = 1 + random(3); count > 0; count--) memory.db.exec(statement(random, memory));
    const changed = memory.look();
    const told = run(pages.changedTables(changed, memory.size));

    const after = contents(memory);
    const names = new Set([...before.keys(), ...after.keys()]);
    const others = [...names].filter((name) => before.get(name) !== after.get(name));
    expect(told).toEqual(expect.arrayContaining(others));
    before = after;

    // No table of which no page has changed, but where SQLite does not say whose page it is.
    const now = memory.owners();
    const touched = new Set(others);
    for (const page of changed)
      for (const owner of [owners.get(page), now.get(page)]) touched.add(owner?.table ?? "sqlite_schema");
    if (told.every((name) => touched.has(name))) exact++;

    if (pull % 4 !== 3) continue;
    const fresh = memory.open();
    run(fresh.load(memory.size));
    for (let page = 1 + (pull % 3); page <= memory.size; page += 3) {
      const one = Uint32Array.of(page);
      expect([page, run(pages.changedTables(one, memory.size))]).toEqual([
        page,
        run(fresh.changedTables(one, memory.size)),
      ]);
    }
  }
  expect(exact).toBeGreaterThan(pulls * 0.7);
});
