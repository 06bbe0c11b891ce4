import { expect, test } from "vitest";
import { contentsOf, contentsOfFile } from "../support/contents.js";
import { REMOTES, startTributary } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";

/** Every kind of value that SQLite tells apart. */
const VALUES: readonly [string, unknown][] = [
  ["null", null],
  ["zero", 0n],
  ["one", 1n],
  ["one, real", 1.0],
  ["the least integer", -(2n ** 63n)],
  ["the greatest integer", 2n ** 63n - 1n],
  ["beyond 2^53", 2n ** 53n + 1n],
  ["a third", 1 / 3],
  ["large", 1e308],
  ["smallest", 5e-324],
  ["infinity", Number.POSITIVE_INFINITY],
  ["minus infinity", Number.NEGATIVE_INFINITY],
  ["minus zero", -0],
  ["empty text", ""],
  ["NUL in text", "a\0b"],
  ["quotes", `'"\`\\`],
  ["any Unicode", "äß€𝄞👩‍👩‍👧\u2028\uffff"],
  ["a number as text", "1.0"],
  ["empty blob", Buffer.alloc(0)],
  ["all bytes", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
];

test.each(REMOTES)("values keep their type and every bit over $name", async ({ start }) => {
  const remote = await start();
  const [a, b] = [await replicaOf(remote.url), await replicaOf(remote.url)];
  a.db.exec("CREATE TABLE v (name TEXT PRIMARY KEY, value, number REAL)");
  const insert = a.db.prepare("INSERT INTO v VALUES (?, ?, ?)");
  for (const [name, value] of VALUES) insert.run(name, value, typeof value === "number" ? value : null);
  const written = contentsOf(a.db);
  await a.sync();
  expect(contentsOf(a.db)).toEqual(written);
  await b.sync();
  expect(contentsOf(b.db)).toEqual(written);
  // The same through updates and a replay.
  const update = b.db.prepare("UPDATE v SET value = ? WHERE name = ?");
  for (const [index, [name]] of VALUES.entries()) update.run(VALUES[(index + 1) % VALUES.length]?.[1], name);
  const updated = contentsOf(b.db);
  await remote.query("CREATE TABLE other (x)");
  await b.pull();
  expect(contentsOf(b.db)).toEqual({ ...updated, other: [] });
  await b.sync();
  await a.sync();
  expect(contentsOf(a.db)).toEqual({ ...updated, other: [] });
});

test("the server's file has the same values", async () => {
  const remote = await startTributary();
  const replica = await replicaOf(remote.url);
  replica.db.exec("CREATE TABLE v (name TEXT PRIMARY KEY, value)");
  for (const row of VALUES) replica.db.prepare("INSERT INTO v VALUES (?, ?)").run(...row);
  const written = contentsOf(replica.db);
  await replica.push();
  await remote.close();
  expect(contentsOfFile(remote.file)).toEqual(written);
});
