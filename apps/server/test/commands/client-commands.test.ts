import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, type MockInstance, onTestFinished, test, vi } from "vitest";
import { backup } from "../../src/commands/backup.js";
import { createDatabase, forkDatabase, listDatabases } from "../../src/commands/databases.js";
import { deleteDatabase } from "../../src/commands/delete.js";
import { explainFailure } from "../../src/commands/explain-failure.js";
import { exportDatabase } from "../../src/commands/export.js";
import { importDatabase } from "../../src/commands/import.js";
import { showStatus } from "../../src/commands/status.js";
import { verify } from "../../src/commands/verify.js";
import { selfSigned } from "../support/self-signed.js";
import { runSql, serve, type TestServer, TOKENS } from "../support/serve.js";
import { tempDirectory } from "../support/temp-directory.js";

let print: MockInstance<typeof console.log>;
beforeEach(() => {
  print = vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => print.mockRestore());

/** What was printed since the last time. */
function printed(): string {
  const text = print.mock.calls.map(([line]) => String(line)).join("\n");
  print.mockClear();
  return text;
}

function asAdmin({ url, adminFile }: TestServer): { url: string; tokenFile: string } {
  return { url, tokenFile: adminFile };
}

/** What the program says of the failure, and its exit code. */
async function failure(promise: Promise<unknown>): Promise<{ text: string | undefined; exitCode: number }> {
  try {
    await promise;
  } catch (error) {
    return explainFailure(error);
  }
  throw new Error("it did not fail");
}

function sqliteFile(path: string, sql: string): string {
  const database = new Database(path);
  database.exec(sql);
  database.close();
  return path;
}

function rowsOf(path: string, sql: string): unknown[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

test("create, list, fork, status and delete", async () => {
  const server = await serve();
  const connection = asAdmin(server);
  await createDatabase("acme", connection);
  await runSql(server, "acme", "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  await forkDatabase("acme", "copy", connection);
  await listDatabases(connection);
  expect(printed()).toBe("acme\ncopy");
  await listDatabases({ ...connection, json: true });
  expect(JSON.parse(printed())).toEqual(["acme", "copy"]);

  await showStatus(connection);
  const status = printed();
  expect(status).toMatch(/^databases {2}2, of which 1 open$/m);
  expect(status).toMatch(/^acme .* ok$/m);
  await showStatus({ ...connection, json: true });
  expect(JSON.parse(printed())).toMatchObject({ databases: [{ name: "acme", isOpen: true }], sockets: 0 });

  await deleteDatabase("copy", { ...connection, yes: true });
  await listDatabases(connection);
  expect(printed()).toBe("acme");
});

test("a database comes back from an export as it went in", async () => {
  const server = await serve();
  const connection = asAdmin(server);
  const file = sqliteFile(
    join(server.directory, "in.db"),
    "CREATE TABLE t(a, b); INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) SELECT i, randomblob(500) FROM n",
  );
  await importDatabase("acme", file, connection);
  const out = join(server.directory, "out.db");
  await exportDatabase("acme", out, connection);
  const digest = (path: string): string =>
    createHash("sha256")
      .update(JSON.stringify(rowsOf(path, "SELECT a, hex(b) FROM t ORDER BY a")))
      .digest("hex");
  expect(digest(out)).toBe(digest(file));
  expect(readdirSync(server.directory).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("an empty database can be exported and imported", async () => {
  const server = await serve();
  const connection = asAdmin(server);
  await createDatabase("acme", connection);
  const out = join(server.directory, "out.db");
  await exportDatabase("acme", out, connection);
  await importDatabase("again", out, connection);
  expect((await runSql(server, "again", "CREATE TABLE t(a)")).status).toBe(200);
});

test("a long import that is refused early says why", async () => {
  const server = await serve();
  const connection = asAdmin(server);
  const file = sqliteFile(
    join(server.directory, "long.db"),
    "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30) INSERT INTO t SELECT zeroblob(1000000) FROM n",
  );
  await createDatabase("acme", connection);
  expect((await failure(importDatabase("acme", file, connection))).text).toMatch(/acme/);
  expect((await failure(importDatabase("other", file, { url: server.url }))).text).toMatch(
    /asks who you are/,
  );
});

describe("backup", () => {
  test("is consistent while writes go on, and overwrites nothing", async () => {
    const server = await serve();
    const connection = asAdmin(server);
    await createDatabase("acme", connection);
    await createDatabase("zeta", connection);
    await runSql(server, "acme", "CREATE TABLE a(x); CREATE TABLE b(x)");
    let isWriting = true;
    const writing = (async () => {
      for (let i = 0; isWriting; i++) {
        const { status, body } = await runSql(
          server,
          "acme",
          `BEGIN; INSERT INTO a VALUES (${i}); INSERT INTO b SELECT randomblob(3000); COMMIT`,
        );
        expect([status, body]).toEqual([200, expect.not.stringContaining('"error"')]);
      }
    })();
    const counts: number[] = [];
    try {
      for (const round of [1, 2]) {
        const directory = join(server.directory, `backup-${round}`);
        await backup([directory], { ...connection, all: true });
        expect(printed()).toBe([join(directory, "acme.db"), join(directory, "zeta.db")].join("\n"));
        expect(readdirSync(directory).sort()).toEqual(["acme.db", "zeta.db"]);
        await verify([join(directory, "acme.db"), join(directory, "zeta.db")], {});
        expect(printed()).toMatch(/acme\.db: ok\n.*zeta\.db: ok$/);
        const [row] = rowsOf(
          join(directory, "acme.db"),
          "SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b",
        ) as { a: number; b: number }[];
        expect(row?.a).toBe(row?.b);
        counts.push(row?.a ?? -1);
        expect(await failure(backup([directory], { ...connection, all: true }))).toEqual({
          text: `tributary-server: ${join(directory, "acme.db")} is there already: move it away, or give another name`,
          exitCode: 1,
        });
        // Something is written between one backup and the next.
        await runSql(server, "acme", "BEGIN; INSERT INTO a VALUES (0); INSERT INTO b VALUES (0); COMMIT");
      }
    } finally {
      isWriting = false;
      await writing;
    }
    expect(counts[1]).toBeGreaterThan(counts[0] as number);
  });

  test("of one by its name, or of the only one", async () => {
    const server = await serve();
    const connection = asAdmin(server);
    const directory = join(server.directory, "backups", "deep");
    await createDatabase("acme", connection);
    await backup([directory], connection);
    expect(printed()).toBe(join(directory, "acme.db"));
    await createDatabase("zeta", connection);
    await backup(["zeta", directory], { ...connection, json: true });
    expect(JSON.parse(printed())).toEqual([{ name: "zeta", file: join(directory, "zeta.db") }]);
    const { text, exitCode } = await failure(backup([directory], connection));
    expect([text, exitCode]).toEqual([
      expect.stringContaining("has 2 databases: name one, or give --all"),
      1,
    ]);
    expect((await failure(backup(["zeta", directory], { ...connection, all: true }))).exitCode).toBe(2);
    expect((await failure(backup(["a", "b", directory], connection))).exitCode).toBe(2);
  });

  test("that breaks off leaves nothing behind", async () => {
    const broken = createServer((request, response) => {
      if (request.url === "/admin/databases") response.end('{"databases":["acme"]}');
      else {
        response.writeHead(200, { "content-length": 8192 });
        response.write(Buffer.alloc(4096), () => response.destroy());
      }
    });
    await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void broken.close());
    const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`;
    const directory = tempDirectory();
    const { text, exitCode } = await failure(backup([directory], { url }));
    expect([text, exitCode]).toEqual([expect.stringContaining("nothing was kept: try again"), 1]);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("verify", () => {
  test("names what is wrong, and ends with 1", async () => {
    const directory = tempDirectory();
    const good = sqliteFile(join(directory, "good.db"), "CREATE TABLE t(a)");
    const keys = sqliteFile(
      join(directory, "keys.db"),
      "PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p); INSERT INTO c VALUES (7)",
    );
    const wide = sqliteFile(join(directory, "wide.db"), "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a)");
    const pages = sqliteFile(join(directory, "pages.db"), "PRAGMA page_size = 1024; CREATE TABLE t(a)");
    const text = join(directory, "text.db");
    writeFileSync(text, "no database ".repeat(500));
    const result = await failure(verify([good, keys, wide, pages, text], { json: true }));
    expect(result.exitCode).toBe(1);
    expect(result.text).toContain(`${keys}, ${wide}, ${pages}, ${text}: not in order`);
    expect(JSON.parse(printed())).toEqual([
      { name: good, ok: true, problems: [] },
      { name: keys, ok: false, problems: [expect.stringContaining("1 rows of c")] },
      { name: wide, ok: false, problems: [expect.stringContaining("UTF-16")] },
      { name: pages, ok: false, problems: [expect.stringContaining("1024 bytes")] },
      { name: text, ok: false, problems: [expect.stringContaining("not an SQLite database")] },
    ]);
  });

  test("goes on where there is nothing to check, and ends with 1", async () => {
    const directory = tempDirectory();
    const good = sqliteFile(join(directory, "good.db"), "CREATE TABLE t(a)");
    const none = join(directory, "none.db");
    expect(await failure(verify([none, good], {}))).toEqual({
      text: `tributary-server: ${none} was not checked: there is no file ${none}`,
      exitCode: 1,
    });
    expect(printed()).toBe(`${good}: ok`);
    expect(existsSync(none)).toBe(false);
    const text = join(directory, "text.db");
    writeFileSync(text, "no database ".repeat(500));
    expect((await failure(verify([none, text], { json: true }))).text).toBe(
      `tributary-server: ${text}: not in order; restore a backup\n${none} was not checked: there is no file ${none}`,
    );
    expect(JSON.parse(printed())).toMatchObject([
      { name: none, ok: false },
      { name: text, ok: false },
    ]);
  });

  test("asks a server with --url", async () => {
    const server = await serve();
    const connection = asAdmin(server);
    await createDatabase("acme", connection);
    await verify(["acme"], connection);
    expect(printed()).toBe("acme: ok");
    const { text, exitCode } = await failure(verify(["other"], connection));
    expect([text, exitCode]).toEqual([expect.stringContaining("other"), 1]);
    expect(text).toContain("there is no database other");
  });
});

describe("delete", () => {
  test("does nothing unasked without a terminal", async () => {
    const server = await serve();
    const connection = asAdmin(server);
    await createDatabase("acme", connection);
    const input = Object.assign(new PassThrough(), { isTTY: false }) as unknown as NodeJS.ReadStream;
    const terminal = { input, output: new PassThrough() as unknown as NodeJS.WriteStream };
    expect(await failure(deleteDatabase("acme", connection, terminal))).toEqual({
      text: expect.stringContaining("give --yes"),
      exitCode: 2,
    });
    await listDatabases(connection);
    expect(printed()).toBe("acme");
  });

  test.each([
    ["acme", ""],
    ["yes", "acme"],
  ])("asks at a terminal: the answer %j leaves %j", async (answer, left) => {
    const server = await serve();
    const connection = asAdmin(server);
    await createDatabase("acme", connection);
    const input = Object.assign(new PassThrough(), { isTTY: true });
    const terminal = {
      input: input as unknown as NodeJS.ReadStream,
      output: new PassThrough() as unknown as NodeJS.WriteStream,
    };
    input.write(`${answer}\n`);
    await deleteDatabase("acme", connection, terminal).catch(() => {});
    await listDatabases(connection);
    expect(printed()).toBe(left);
  });

  test.each([
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
  ])("%s at the question deletes nothing, and ends with 1", async (_, key) => {
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    const terminal = {
      input: input as unknown as NodeJS.ReadStream,
      output: output as unknown as NodeJS.WriteStream,
    };
    input.write(key);
    expect(await failure(deleteDatabase("acme", { url: "http://127.0.0.1:9" }, terminal))).toEqual({
      text: "tributary-server: nothing was deleted",
      exitCode: 1,
    });
    expect(String(output.read())).toMatch(/\n$/);
  });
});

describe("what goes wrong is told in one line", () => {
  test("by the server", async () => {
    const server = await serve();
    const connection = asAdmin(server);
    await createDatabase("acme", connection);
    const text = join(server.directory, "text");
    writeFileSync(text, "no database ".repeat(500));
    const cases: [() => Promise<unknown>, RegExp][] = [
      [() => createDatabase("acme", connection), /acme/],
      [() => createDatabase("../x", connection), /name/],
      [() => forkDatabase("none", "copy", connection), /none/],
      [() => deleteDatabase("none", { ...connection, yes: true }), /none/],
      [() => importDatabase("zeta", text, connection), /not an SQLite database/],
      [() => exportDatabase("none", join(server.directory, "none.db"), connection), /none/],
    ];
    for (const [run, expected] of cases) {
      const result = await failure(run());
      expect(result.text).toMatch(expected);
      expect(result.text).toMatch(/^tributary-server: [^\n]+$/);
      expect(result.exitCode).toBe(1);
    }
    expect(existsSync(join(server.directory, "none.db"))).toBe(false);
  });

  test("about tokens, without repeating them", async () => {
    const { url, directory } = await serve();
    const wrong = join(directory, "wrong");
    writeFileSync(wrong, "some-other-planted-token");
    const weak = join(directory, "weak");
    writeFileSync(weak, `# comment\n${TOKENS.write}  write`);
    const cases: [() => Promise<unknown>, RegExp][] = [
      [() => listDatabases({ url }), /asks who you are/],
      [() => listDatabases({ url, tokenFile: wrong }), /asks who you are/],
      [() => listDatabases({ url, tokenFile: weak }), /does not let the holder of this token/],
      [() => showStatus({ url, tokenFile: weak }), /does not let the holder of this token/],
    ];
    for (const [run, expected] of cases) {
      const { text, exitCode } = await failure(run());
      expect([text, exitCode]).toEqual([expect.stringMatching(expected), 1]);
      expect(text).toContain("--token-file FILE or TRIBUTARY_TOKEN");
      expect(text).not.toContain("planted");
    }
  });

  test("about the address", async () => {
    const other = createServer((_, response) => void response.end("hello"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect((await failure(listDatabases({ url }))).text).toContain("does not answer as a Tributary server");
    await new Promise((resolve) => other.close(resolve));
    expect(await failure(listDatabases({ url }))).toEqual({
      text: expect.stringContaining(`no server answers at ${url} (ECONNREFUSED)`),
      exitCode: 1,
    });
    expect((await failure(listDatabases({ url: "sync.example.com" }))).exitCode).toBe(2);
  });

  test("about http where TLS is spoken, and the other way round", async () => {
    const plain = await serve();
    const url = plain.url.replace("http:", "https:");
    expect((await failure(listDatabases({ url }))).text).toMatch(/does not speak TLS: .*http:/);
    const { cert, key } = selfSigned(plain.directory, "cert");
    const secure = await serve({ tlsCert: cert, tlsKey: key });
    const other = secure.url.replace("https:", "http:");
    expect((await failure(listDatabases({ url: other }))).text).toMatch(/https:\/\/ if it speaks TLS/);
  });

  test("about files", async () => {
    const directory = tempDirectory();
    const url = "http://127.0.0.1:9";
    expect((await failure(importDatabase("a", join(directory, "none"), { url }))).exitCode).toBe(2);
    const file = sqliteFile(join(directory, "a.db"), "CREATE TABLE t(a)");
    writeFileSync(`${file}-wal`, "frames");
    expect((await failure(importDatabase("a", file, { url }))).text).toContain("write-ahead log beside it");
    expect((await failure(exportDatabase("a", file, { url }))).text).toContain("is there already");
    expect(readFileSync(file).subarray(0, 6).toString()).toBe("SQLite");
    expect((await failure(listDatabases({ url, tokenFile: join(directory, "none") }))).exitCode).toBe(2);
  });
});
