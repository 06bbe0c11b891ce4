import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openReplica } from "@tributary/replica";
import { expect, test } from "vitest";
import { openStreamDatabase } from "../support/stream-database.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("a captured database is no replica, and is not touched", async () => {
  const captured = openStreamDatabase({ schema: "CREATE TABLE t (a); INSERT INTO t VALUES (1)" });
  captured.close();
  const before = readFileSync(captured.path);
  await expect(openReplica({ path: captured.path, url: null })).rejects.toMatchObject({
    code: "not-a-replica",
  });
  expect(readFileSync(captured.path).equals(before)).toBe(true);
  expect(existsSync(`${captured.path}-info`)).toBe(false);
  expect(openStreamDatabase({ path: captured.path }).rows("SELECT a FROM t")).toEqual([[1n]]);
});

test("the file of a replica is not captured, with its metadata or without", async () => {
  const path = join(temporaryDirectory(), "app.db");
  const replica = await openReplica({ path, url: null, bootstrapIfEmpty: false });
  replica.db.exec("CREATE TABLE t (a)");
  await replica.close();
  const before = readFileSync(path);
  expect(() => openStreamDatabase({ path })).toThrow(expect.objectContaining({ code: "invalid-state" }));
  const copy = join(temporaryDirectory(), "copy.db");
  copyFileSync(path, copy);
  expect(() => openStreamDatabase({ path: copy })).toThrow(
    expect.objectContaining({ code: "invalid-state" }),
  );
  expect(readFileSync(path).equals(before)).toBe(true);
  const again = await openReplica({ path, url: null });
  expect(again.recovered).toEqual([]);
  await again.close();
});
