import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReplica } from "@tributary/replica";
import { startServer } from "@tributary/server-cli";
import { expect, onTestFinished, test, vi } from "vitest";
import { compareContents } from "../src/compare-contents.js";

const SCHEMA = `CREATE TABLE cities (id INTEGER PRIMARY KEY, name, country, region, population, longitude, latitude);
  CREATE TABLE favourites (city INTEGER PRIMARY KEY, note); CREATE TABLE visits (id INTEGER PRIMARY KEY, city, day, stars);
  CREATE VIRTUAL TABLE city_search USING fts5 (name);
  INSERT INTO cities VALUES (1, 'Reykjavík', 'IS', NULL, 1, 2.0, 3.0)`;

test("the demo succeeds only if everybody holds the same rows", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tributary-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const server = await startServer({ db: join(directory, "server.db"), listen: "127.0.0.1:0" });
  onTestFinished(() => server.close());
  const replica = await openReplica({ path: join(directory, "replica.db"), url: server.url });
  onTestFinished(() => replica.close());
  const output = vi.spyOn(console, "log").mockImplementation(() => {});
  onTestFinished(() => output.mockRestore());
  replica.db.exec(SCHEMA);
  await replica.sync();
  expect(await compareContents(server.url, { replica: replica.db })).toBe(true);
  replica.db.exec("UPDATE cities SET population = 2");
  expect(await compareContents(server.url, { replica: replica.db })).toBe(false);
});
