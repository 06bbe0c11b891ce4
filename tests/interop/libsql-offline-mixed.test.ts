import { join } from "node:path";
import { connect } from "@tursodatabase/sync";
import { expect, onTestFinished, test } from "vitest";
import { replicaOf, rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { LibsqlDevice } from "./support/libsql-offline-device.js";
import { OfflineServer } from "./support/libsql-offline-server.js";

const ROUNDS = 8;

test("a Turso client, a replica of Tributary and two of libSQL share a database", {
  timeout: 60_000,
}, async () => {
  const server = await OfflineServer.start();
  await server.query("CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT, stars INTEGER)");
  await server.query("INSERT INTO notes VALUES ('shared', 'everybody''s', 0), ('gone', 'to be deleted', 0)");
  const turso = await connect({
    path: join(temporaryDirectory(), "turso.db"),
    url: server.url,
    clientName: "turso",
  });
  onTestFinished(() => turso.close());
  const replica = await replicaOf(server.url);
  const [a, b] = [
    await new LibsqlDevice(server.deviceUrl("a")).open(),
    await new LibsqlDevice(server.deviceUrl("b")).open(),
  ];
  const push = async (): Promise<void> => {
    await turso.push();
    await a.sync();
    await replica.push();
    await b.sync();
  };
  const pull = async (): Promise<void> => {
    await turso.pull();
    await replica.pull();
    await a.sync();
    await b.sync();
  };
  for (let round = 1; round <= ROUNDS; round++) {
    await turso.exec(`INSERT INTO notes (id, body, stars) VALUES ('turso/${round}', 'of Turso', ${round})`);
    await turso.exec(`UPDATE notes SET stars = ${round} WHERE id = 'shared'`);
    replica.db.exec(
      `INSERT INTO notes (id, body, stars) VALUES ('tributary/${round}', 'of Tributary', ${round})`,
    );
    replica.db.exec(`UPDATE notes SET body = 'round ${round}' WHERE id = 'shared'`);
    await a.run("INSERT INTO notes (id, body, stars) VALUES (?, 'of a', ?)", `a/${round}`, round);
    await a.run("UPDATE notes SET stars = stars + 100 WHERE id = ?", `turso/${round - 1}`);
    await b.run("INSERT INTO notes (id, body, stars) VALUES (?, 'of b', ?)", `b/${round}`, round);
    if (round === 3) await b.exec("DELETE FROM notes WHERE id = 'gone'");
    if (round === 5)
      await a.exec("ALTER TABLE notes ADD COLUMN colour TEXT; CREATE INDEX by_stars ON notes (stars)");
    if (round === 6) replica.db.exec("UPDATE notes SET colour = 'blue' WHERE id = 'shared'");
    await push();
    await pull();
  }
  const sql = "SELECT * FROM notes ORDER BY id";
  const text = (table: readonly (readonly unknown[])[]): string[][] =>
    table.map((row) => row.map((value) => String(value)));
  const expected = text(await server.query(sql));
  expect(expected).toHaveLength(4 * ROUNDS + 1);
  expect(expected.find(([id]) => id === "shared")).toEqual([
    "shared",
    `round ${ROUNDS}`,
    String(ROUNDS),
    "blue",
  ]);
  for (let round = 1; round < ROUNDS; round++) {
    expect(expected.find(([id]) => id === `turso/${round}`)?.[2]).toBe(String(round + 100));
  }
  const ofTurso = (await (await turso.prepare(sql)).all()) as Record<string, unknown>[];
  expect(text(ofTurso.map((row) => Object.values(row)))).toEqual(expected);
  expect(text(rows(replica, sql))).toEqual(expected);
  for (const device of [a, b]) {
    expect(text(await device.query(sql))).toEqual(expected);
    expect(await device.integrity()).toBe("ok");
  }
  await server.contents();
});
