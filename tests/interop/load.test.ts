import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Client, createClient, LibsqlError } from "@libsql/client";
import { openReplica } from "@tributary/replica";
import type { RequestReport } from "@tributary/server";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { Replica } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { LOAD_SCHEMA, LoadPlan } from "./support/load-plan.js";
import { serveForFile } from "./support/serve-for-file.js";

const SEED = Number(process.env.TRIBUTARY_LOAD_SEED ?? 1);
const DATABASES = ["north", "east", "south", "west"];
const REPLICAS = 120;
const SQL_CLIENTS = 76;
const TURSO_CLIENTS = 4;
const ROUNDS = 2;
const ADMIN = "the-administrator";

const reports: RequestReport[] = [];
const shared = serveForFile(
  {
    // Everybody is a client of its own, as with tokens: the limit for one client is none for all of them.
    authorize: ({ token = "" }) => ({ access: "write", client: token }),
    onRequest: (report) => void reports.push(report),
    // Server and clients share a thread here: how long one of them takes says nothing about the others.
    streamIdleTimeoutMs: 60_000,
    transactionTimeoutMs: 60_000,
    lockTimeoutMs: 60_000,
  },
  { many: true },
);

beforeAll(async () => {
  for (const name of DATABASES) {
    await shared.server.databases.create(name);
    const client = sqlClient(name, "http", ADMIN);
    await client.batch([...LOAD_SCHEMA], "write");
    client.close();
  }
});

const databaseOf = (index: number): string => DATABASES[index % DATABASES.length] as string;

function sqlClient(database: string, scheme: string, authToken: string): Client {
  const path = scheme === "ws" ? `/${database}` : `/${database}/`;
  return createClient({ url: shared.url(scheme, path), authToken });
}

/** A replica that writes, pushes and pulls in an order of its own. What was not acknowledged stays in it. */
async function runReplica(database: string, name: string, plan: LoadPlan, path: string): Promise<Replica> {
  const { random } = plan;
  const replica = await openReplica({
    path,
    url: shared.url("http", `/${database}`),
    authToken: name,
    clientName: name,
    longPollTimeoutMs: random.chance(0.1) ? 300 : 0,
    database: { synchronous: "NORMAL" },
  });
  onTestFinished(() => replica.close());
  for (let round = 0; round < ROUNDS; round++) {
    replica.db.transaction(() => {
      for (const { sql, args } of plan.next()) replica.db.prepare(sql).run(...args);
    })();
    if (random.chance(0.8)) await replica.push();
    if (random.chance(0.5)) await replica.pull();
  }
  return replica;
}

/** A client without a replica: batches, and transactions that read before they write. Gives how often it counted. */
async function runSqlClient(database: string, name: string, scheme: string, plan: LoadPlan): Promise<number> {
  const client = sqlClient(database, scheme, name);
  onTestFinished(() => client.close());
  let counted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const statements = plan.next().map(({ sql, args }) => ({ sql, args: [...args] }));
    await untilDone(() => client.batch(statements, "write"));
    await untilDone(async () => {
      const transaction = await client.transaction("write");
      try {
        const { rows } = await transaction.execute("SELECT n FROM counter");
        await transaction.execute({ sql: "UPDATE counter SET n = ?", args: [Number(rows[0]?.n) + 1] });
        await transaction.commit();
      } finally {
        transaction.close();
      }
    });
    counted++;
  }
  return counted;
}

/** Tries again what a limit turned away, with nothing done; everything else is a failure. */
async function untilDone(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      const mayTryAgain = error instanceof LibsqlError && /SQLITE_BUSY|TRANSACTION_TIMEOUT/.test(error.code);
      if (!mayTryAgain || attempt === 5) throw error;
    }
  }
}

/** Turso's clients, all in one process. `finish` pulls, and gives what they have. */
async function runTurso(clients: readonly { url: string; name: string }[], directory: string) {
  const script = fileURLToPath(new URL("./support/turso-load.mjs", import.meta.url));
  const args = [script, directory, String(ROUNDS), ...clients.flatMap(({ url, name }) => [url, name])];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface(child.stdout);
  const ended = once(child, "exit").then(() => ["it ended too early"]);
  const [written] = await Promise.race([once(lines, "line"), ended]);
  expect(written).toBe("written");
  return async (): Promise<(Contents & { name: string })[]> => {
    const answered = once(lines, "line");
    child.stdin.write("finish\n");
    return JSON.parse(String((await answered)[0])) as (Contents & { name: string })[];
  };
}

interface Contents {
  readonly notes: unknown[][];
  readonly log: unknown[][];
  readonly shared: unknown[][];
}
const QUERIES = {
  notes: "SELECT id, body FROM notes ORDER BY id",
  log: "SELECT client, n FROM log ORDER BY client, n",
  shared: "SELECT id, body FROM shared ORDER BY id",
};

async function contentsAtServer(client: Client): Promise<Contents> {
  const read = async (sql: string) => (await client.execute(sql)).rows.map((row) => Array.from(row));
  return {
    notes: await read(QUERIES.notes),
    log: await read(QUERIES.log),
    shared: await read(QUERIES.shared),
  };
}

function contentsOf(replica: Replica): Contents {
  const read = (sql: string) => replica.db.prepare(sql).raw().all() as unknown[][];
  return { notes: read(QUERIES.notes), log: read(QUERIES.log), shared: read(QUERIES.shared) };
}

test(`200 clients at once lose nothing and converge (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const directory = temporaryDirectory();
  const plans = new Map<string, { database: string; plan: LoadPlan }>();
  const planOf = (index: number, name: string): LoadPlan => {
    const plan = new LoadPlan(SEED * 1_000 + index, name);
    plans.set(name, { database: databaseOf(index), plan });
    return plan;
  };
  const tursoClients = Array.from({ length: TURSO_CLIENTS }, (_, index) => ({
    database: databaseOf(index),
    url: shared.url("http", `/${databaseOf(index)}`),
    name: `turso-${index}`,
  }));

  const [replicas, counts, finishTurso] = await Promise.all([
    Promise.all(
      Array.from({ length: REPLICAS }, async (_, index) => {
        const name = `replica-${index}`;
        const database = databaseOf(index);
        const path = join(directory, `${name}.db`);
        return { database, replica: await runReplica(database, name, planOf(index, name), path) };
      }),
    ),
    Promise.all(
      Array.from({ length: SQL_CLIENTS }, async (_, index) => {
        const name = `sql-${index}`;
        const scheme = index % 8 < 4 ? "http" : "ws";
        const plan = planOf(500 + index, name);
        return {
          database: databaseOf(500 + index),
          count: await runSqlClient(databaseOf(500 + index), name, scheme, plan),
        };
      }),
    ),
    runTurso(tursoClients, directory),
  ]);
  await Promise.all(replicas.map(({ replica }) => replica.push()));
  await Promise.all(replicas.map(({ replica }) => replica.pull()));
  const turso = await finishTurso();

  for (const database of DATABASES) {
    const client = sqlClient(database, "http", ADMIN);
    const contents = await contentsAtServer(client);
    const { rows } = await client.execute("SELECT n FROM counter");
    client.close();

    const expected = [...plans.values()].filter((entry) => entry.database === database);
    const ofTurso = tursoClients.filter((entry) => entry.database === database);
    const notes = [
      ...expected.flatMap(({ plan }) => [...plan.notes]),
      ...ofTurso.flatMap(({ name }) => range(ROUNDS).map((round) => [`${name}/${round}`, "of Turso"])),
    ];
    expect(contents.notes).toEqual(notes.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)));
    const lines = new Map<string, number>([
      ...[...plans].flatMap(([name, entry]): [string, number][] =>
        entry.database === database && entry.plan.lines > 0 ? [[name, entry.plan.lines]] : [],
      ),
      ...ofTurso.map(({ name }): [string, number] => [name, ROUNDS]),
    ]);
    const names = [...lines.keys()].sort((a, b) => (a < b ? -1 : 1));
    expect(contents.log).toEqual(
      names.flatMap((name) => range(lines.get(name) ?? 0).map((line) => [name, line])),
    );
    const counted = counts.filter((entry) => entry.database === database);
    expect(rows[0]?.n).toBe(counted.reduce((sum, { count }) => sum + count, 0));

    for (const entry of replicas.filter((one) => one.database === database)) {
      expect(contentsOf(entry.replica)).toEqual(contents);
    }
    for (const { name } of ofTurso) {
      expect(turso.find((entry) => entry.name === name)).toEqual({ name, ...contents });
    }
  }
  for (const { replica } of replicas) expect((await replica.stats()).pendingChanges).toBe(0);
  // 503 and 429 are what limits promise; with so many clients, and these limits, there is no reason for either.
  const failures = reports.filter(({ status }) => status >= 400);
  expect(failures.map(({ route, status, error }) => [route, status, String(error)])).toEqual([]);
  expect(reports.length).toBeGreaterThan(REPLICAS * ROUNDS);
});

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
