import { expect, test } from "vitest";
import { MergeSite } from "./merge-site.js";

const version = (rows: unknown[][]): number => Number(rows[0]?.[0]);

test("a database is ahead of the schema that a replica knows, however many statements either took", async () => {
  const site = new MergeSite("CREATE TABLE t(a)");
  const replica = site.replica();
  // Ten schemas of the replica, of which the last one is merged at once.
  for (let n = 0; n < 5; n++) replica.run(`CREATE TABLE t${n}(a); DROP TABLE t${n}`);
  replica.run("CREATE TABLE made(a)");
  await replica.push();
  const known = version(replica.rows("PRAGMA schema_version"));
  expect(version(site.rows("PRAGMA schema_version"))).toBeGreaterThan(known);

  // Nothing is left of these, and the replica has counted them all the same.
  for (let n = 0; n < 5; n++) replica.run(`CREATE TABLE u${n}(a); DROP TABLE u${n}`);
  await replica.push();
  const later = version(replica.rows("PRAGMA schema_version"));
  expect(version(site.rows("PRAGMA schema_version"))).toBeGreaterThan(later);
});

test("a push that changes no schema makes nobody read the schema anew", async () => {
  const site = new MergeSite("CREATE TABLE t(a)");
  const replica = site.replica();
  replica.run("INSERT INTO t VALUES (1)");
  await replica.push();
  const before = version(site.rows("PRAGMA schema_version"));
  replica.run("INSERT INTO t VALUES (2)");
  await replica.push();
  expect(version(site.rows("PRAGMA schema_version"))).toBe(before);
});

test("a number that cannot be counted on from is not taken over", async () => {
  const site = new MergeSite("CREATE TABLE t(a)");
  const version = (): number => Number(site.rows("PRAGMA schema_version")[0]?.[0]);
  const before = version();
  const replica = site.replica();
  replica.run("CREATE TABLE made(a); PRAGMA schema_version = -1");
  expect(await replica.push()).toMatchObject({ refused: 0 });
  expect(version()).toBeGreaterThan(before);
});
