import { join } from "node:path";
import { createClient } from "@libsql/client";
import { connect } from "@tursodatabase/sync";
import { expect, onTestFinished, test } from "vitest";
import { contentsOf, contentsOfFile, integrityOfFile } from "../support/contents.js";
import { REMOTES, startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

type TursoClient = Awaited<ReturnType<typeof connect>>;

async function tursoClientOf(url: string): Promise<TursoClient> {
  const client = await connect({ path: join(temporaryDirectory(), "turso.db"), url, clientName: "turso" });
  onTestFinished(() => client.close());
  return client;
}

async function rowsOfTurso(client: TursoClient, sql: string): Promise<unknown[][]> {
  const statement = await client.prepare(sql);
  return ((await statement.all()) as Record<string, unknown>[]).map((row) => Object.values(row));
}

test.each(REMOTES)(
  "a Turso client and a replica of Tributary share a database of $name",
  async ({ start }) => {
    const remote = await start();
    const turso = await tursoClientOf(remote.url);
    await turso.exec("CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT, stars INTEGER)");
    await turso.exec("INSERT INTO notes VALUES ('t1', 'from turso', 1), ('t2', 'to be deleted', 2)");
    await turso.push();
    const replica = await replicaOf(remote.url);
    expect(rows(replica, "SELECT * FROM notes ORDER BY id")).toEqual([
      ["t1", "from turso", 1],
      ["t2", "to be deleted", 2],
    ]);
    for (let round = 1; round <= 5; round++) {
      replica.db.prepare("INSERT INTO notes VALUES (?, 'ours', ?)").run(`o${round}`, round);
      replica.db.prepare("UPDATE notes SET stars = ? WHERE id = 't1'").run(round * 10);
      await turso.exec(`INSERT INTO notes VALUES ('u${round}', 'theirs', ${round})`);
      await turso.exec(`UPDATE notes SET body = 'round ${round}' WHERE id = 't1'`);
      if (round === 3) replica.db.exec("DELETE FROM notes WHERE id = 't2'");
      await turso.push();
      await replica.sync();
      await turso.pull();
      await replica.pull();
    }
    const expected = rows(replica, "SELECT * FROM notes ORDER BY id");
    expect(expected).toHaveLength(11);
    expect(expected.find(([id]) => id === "t1")).toEqual(["t1", "round 5", 50]);
    expect(await rowsOfTurso(turso, "SELECT * FROM notes ORDER BY id")).toEqual(expected);
  },
);

test("a Turso client, a libSQL client and a replica converge on Tributary's server, whose file stays sound", async () => {
  const remote = await startTributary();
  const libsql = createClient({ url: remote.url });
  onTestFinished(() => libsql.close());
  await libsql.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, who TEXT)");
  const replica = await replicaOf(remote.url);
  const turso = await tursoClientOf(remote.url);
  await libsql.batch(["INSERT INTO t VALUES (1, 'libsql')", "INSERT INTO t VALUES (2, 'libsql')"], "write");
  replica.db.exec("INSERT INTO t VALUES (3, 'tributary')");
  await turso.exec("INSERT INTO t VALUES (4, 'turso')");
  await replica.sync();
  await turso.push();
  await turso.pull();
  await replica.pull();
  const expected = [
    [1, "libsql"],
    [2, "libsql"],
    [3, "tributary"],
    [4, "turso"],
  ];
  expect(rows(replica, "SELECT * FROM t ORDER BY id")).toEqual(expected);
  expect(await rowsOfTurso(turso, "SELECT * FROM t ORDER BY id")).toEqual(expected);
  const { t } = contentsOf(replica.db);
  await remote.close();
  expect(contentsOfFile(remote.file)).toEqual({ t });
  expect(integrityOfFile(remote.file)).toBe("ok");
});
