// What one database costs another: the latency of small writes and reads on one while others are kept busy by a statement
// without an end, a large upload, a client that stops reading its download, and one huge transaction. Runs on the built
// packages: node scripts/isolation.mjs [--json]
import { mkdtempSync, rmSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSyncServer } from "../packages/server/dist/index.js";

const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
/** MiB of the databases that are uploaded, downloaded and filled in one transaction. */
const SIZE = 48;
const FILL = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ${SIZE * 256})
  INSERT INTO t(b) SELECT randomblob(3900) FROM n`;

const directory = mkdtempSync(join(tmpdir(), "tributary-isolation-"));
const server = createSyncServer({ dataDirectory: join(directory, "data"), createOnUse: true });
try {
  const report = await measure();
  if (process.argv.includes("--json")) console.log(JSON.stringify(report));
  else {
    console.log("Latency of a small INSERT and of a small pull on one database, ms:");
    console.table(report);
  }
} finally {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
}

async function measure() {
  await run("quiet", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  for (const name of ["large", "filled"]) await run(name, "CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  await run("large", FILL);
  const file = join(directory, "upload.db");
  const copy = await open(file, "w");
  for await (const piece of await server.databases.export("large")) await copy.write(piece);
  await copy.close();
  const upload = await readFile(file);
  // Processes that run SQL for the quiet one, and whatever is slow only once.
  await sample(500, () => {});

  const report = { alone: await sample(1_500, () => {}) };
  report["a statement without an end"] = await sample(1_500, () => {
    // Ended by the end.
    run("busy", ENDLESS).catch(() => {});
  });
  report[`an upload of ${SIZE} MiB, again and again`] = await sample(1_500, async (isOver) => {
    for (let count = 0; !isOver(); count++) {
      await server.databases.import(`copy-${count}`, pieces(upload));
      await server.databases.remove(`copy-${count}`);
    }
  });
  report["a download that is not read on"] = await sample(1_500, async () => {
    const response = await post("large", "pull-updates", "");
    await response.body.getReader().read();
  });
  report[`transactions of ${SIZE} MiB`] = await sample(3_000, async (isOver) => {
    while (!isOver()) await run("filled", FILL);
  });
  return report;
}

/** Latencies while `disturb` goes on. */
async function sample(milliseconds, disturb) {
  const end = performance.now() + milliseconds;
  const writes = [];
  const pulls = [];
  const disturbed = disturb(() => performance.now() >= end);
  while (performance.now() < end) {
    let start = performance.now();
    await run("quiet", "INSERT INTO t(b) VALUES (1)");
    writes.push(performance.now() - start);
    start = performance.now();
    await (await post("quiet", "pull-updates", "")).arrayBuffer();
    pulls.push(performance.now() - start);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await disturbed;
  return { ...summary("insert", writes), ...summary("pull", pulls) };
}

function summary(name, values) {
  const sorted = values.sort((left, right) => left - right);
  const at = (part) =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(2));
  return { [`${name} p50`]: at(0.5), [`${name} p95`]: at(0.95), [`${name} max`]: at(1) };
}

async function run(database, sql) {
  const body = JSON.stringify({ requests: [{ type: "execute", stmt: { sql } }, { type: "close" }] });
  const response = await post(database, "v2/pipeline", body);
  const text = await response.text();
  if (response.status !== 200 || text.includes('"type":"error"')) throw new Error(text);
}

function post(database, path, body) {
  const headers = { "content-type": "application/json" };
  return server.fetch(new Request(`http://localhost/${database}/${path}`, { method: "POST", headers, body }));
}

async function* pieces(bytes) {
  for (let start = 0; start < bytes.length; start += 256 * 1024)
    yield bytes.subarray(start, start + 256 * 1024);
}
