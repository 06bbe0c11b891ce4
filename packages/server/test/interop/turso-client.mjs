// One scenario of the real Turso sync client, in a process of its own: its native part may hold the event loop.
// Arguments: scenario, url, directory. Prints one line of JSON.
import { connect } from "@tursodatabase/sync";

const [scenario, url, directory] = process.argv.slice(2);
const open = (name, options = {}) =>
  connect({ path: `${directory}/${name}.db`, url, clientName: name, ...options });
const all = async (database, sql) => await (await database.prepare(sql)).all();

const scenarios = {
  async converge() {
    const a = await open("a");
    await a.exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)");
    await a.exec("INSERT INTO notes VALUES (1, 'from a')");
    await a.push();
    const b = await open("b");
    await b.exec("INSERT INTO notes VALUES (2, 'from b')");
    await b.exec("ALTER TABLE notes ADD COLUMN done");
    await b.push();
    await a.exec("UPDATE notes SET body = 'changed by a' WHERE id = 1");
    await a.push();
    const pulled = [await a.pull(), await b.pull(), await b.pull()];
    await b.exec("DELETE FROM notes WHERE id = 2");
    await b.checkpoint();
    await b.push();
    await a.pull();
    await a.checkpoint();
    const sql = "SELECT id, body, done FROM notes ORDER BY id";
    const rows = [await all(a, sql), await all(b, sql)];
    await a.close();
    const again = await open("a");
    await again.exec("INSERT INTO notes(id, body) VALUES (3, 'after reopening')");
    await again.push();
    await b.pull();
    return { pulled, rows, afterReopen: await all(b, sql) };
  },
  async bootstrap() {
    const whole = await open("whole");
    const chunked = await open("chunked", { pullBytesThreshold: 64 * 1024 });
    const sql = "SELECT count(*) AS n, sum(id) AS s FROM made";
    return [await all(whole, sql), await all(chunked, sql)];
  },
  async empty() {
    const database = await open("empty");
    await database.exec("CREATE TABLE first(a)");
    await database.exec("INSERT INTO first VALUES (1)");
    await database.push();
    await database.pull();
    return await all(database, "SELECT a FROM first");
  },
  async conflict() {
    const a = await open("a");
    await a.exec("CREATE TABLE u(id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
    await a.push();
    const b = await open("b");
    await a.exec("INSERT INTO u VALUES (1, 'same')");
    await a.push();
    await b.exec("INSERT INTO u VALUES (2, 'other'), (3, 'same')");
    const failures = [];
    for (let attempt = 0; attempt < 2; attempt++)
      await b.push().catch((error) => failures.push(error.message));
    await a.pull();
    return { failures, remote: await all(a, "SELECT name FROM u") };
  },
  async transform() {
    const first = await open("first");
    await first.exec("CREATE TABLE t(id INTEGER PRIMARY KEY)");
    await first.exec("INSERT INTO t VALUES (1), (2)");
    await first.push();
    const a = await open("a", {
      transform: ({ changeType }) => (changeType === "delete" ? { operation: "skip" } : null),
    });
    await a.exec("DELETE FROM t WHERE id = 1");
    await a.push();
    const b = await open("b");
    return await all(b, "SELECT id FROM t");
  },
  async wait() {
    const b = await open("b", { longPollTimeoutMs: 20_000 });
    const a = await open("a");
    const waiting = b.pull();
    await a.exec("CREATE TABLE t(a)");
    await a.push();
    return await waiting;
  },
  async large() {
    const a = await open("a");
    await a.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)");
    await a.exec("INSERT INTO t SELECT value, 'row ' || value FROM generate_series(1, 60000)");
    await a.push();
    const b = await open("b");
    return await all(b, "SELECT count(*) AS n FROM t");
  },
};

const result = await scenarios[scenario]();
// The clients are left open in most scenarios: nothing would end the process.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
