import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createLibsqlProtocol } from "@tributary/protocol-libsql";
import { openReplica, type Replica } from "@tributary/replica";
import { createRandom, describeProtocolIo, type SeededRandom } from "@tributary/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { OfflineServer } from "./support/libsql-offline-server.js";

/** What is behind the URL of the database: in strict mode all have one log, in merge mode each has its own. */
const MODES = [
  ["strict", (_name: string) => ""],
  ["merge", (name: string) => `/device/${name}`],
] as const;

for (const [mode, suffix] of MODES) {
  describeProtocolIo(`libSQL's offline protocol with Tributary's server in ${mode} mode`, async () => {
    const { url } = await OfflineServer.start();
    const directory = temporaryDirectory();
    const remote = createLibsqlProtocol({
      url: `${url}${suffix("a")}`,
      mirrorPath: join(directory, "mirror"),
    });
    const unreachable = createLibsqlProtocol({
      url: "http://127.0.0.1:1",
      mirrorPath: join(directory, "unreachable"),
      retry: { attempts: 1 },
    });
    const http = createHttpProtocol({ url });
    return {
      remote,
      unreachable,
      query: async (sql) => {
        const step = { sql, params: [], condition: "always" as const, wantRows: true };
        const [result] = await http.runRemoteBatch({ steps: [step], repeatable: false });
        if (result?.type !== "ok") throw new Error(JSON.stringify(result));
        return result.rows;
      },
      cleanUp: async () => {
        await Promise.all([remote.close(), unreachable.close(), http.close()]);
      },
    };
  });
}

/** Loses requests, and answers, now and then. */
function losing(random: SeededRandom): typeof fetch {
  return async (...args) => {
    if (random.chance(0.08)) throw new TypeError("the request is lost");
    const answer = await fetch(...args);
    if (!random.chance(0.08)) return answer;
    await answer.body?.cancel();
    throw new TypeError("the answer is lost");
  };
}

const PASSING: ReadonlySet<string> = new Set(["unreachable", "timeout"]);

async function sync(replica: Replica): Promise<void> {
  await replica.sync().catch((error: { code?: string }) => {
    // What a lost answer, or somebody who is faster, leaves for the next time.
    if (!PASSING.has(error.code ?? "")) throw error;
  });
}

const SEEDS = [1];
const ALL = "SELECT id, a, b FROM t ORDER BY id";

describe.each(MODES)("replicas over libSQL's protocol in %s mode", (_mode, suffix) => {
  it.each(SEEDS)(
    "converge with each other and with who writes to the server, whatever is lost (seed %i)",
    async (seed) => {
      const random = createRandom(seed);
      const server = await OfflineServer.start();
      await server.query("CREATE TABLE t (id TEXT PRIMARY KEY, a, b)");
      const replicas: Replica[] = [];
      for (const name of ["one", "two", "three"]) {
        const path = join(temporaryDirectory(), "replica.db");
        const transport = createLibsqlProtocol({
          url: `${server.url}${suffix(name)}`,
          mirrorPath: `${path}-mirror`,
          fetch: losing(random),
          retry: { attempts: 3, minDelayMs: 1, maxDelayMs: 2 },
        });
        const replica = await openReplica({ path, url: null, transport });
        onTestFinished(() => replica.close());
        replicas.push(replica);
      }
      const inserted: string[] = [];
      for (let round = 0; round < 6; round++) {
        for (const [index, { db }] of replicas.entries()) {
          const id = `${round}-${index}`;
          db.prepare("INSERT INTO t VALUES (?, ?, ?)").run(id, round, random.bytes(random.below(9000)));
          db.prepare("UPDATE t SET a = ? WHERE id = ?").run(
            random.below(100),
            random.pick([id, ...inserted]),
          );
          inserted.push(id);
        }
        await server.query(`INSERT INTO t VALUES ('${round}-server', 0, '')`);
        inserted.push(`${round}-server`);
        await Promise.all(replicas.filter(() => random.chance(0.8)).map(sync));
      }
      for (const replica of replicas) await until(() => replica.sync());
      for (const replica of replicas) await until(() => replica.sync());
      const rows = await server.query("SELECT id FROM t ORDER BY id");
      expect(rows.flat()).toEqual(inserted.toSorted());
      const [first, ...others] = replicas.map(({ db }) => db.prepare(ALL).all());
      expect(first).toHaveLength(inserted.length);
      for (const other of others) expect(other).toEqual(first);
      for (const { db } of replicas) expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
    },
  );
});

/** Tries until it succeeds: what is lost is lost at random. */
async function until(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

const ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";

it("a transaction of 5 000 frames goes through, the log begins anew, and the replica goes on", async () => {
  const server = await OfflineServer.start();
  const url = server.deviceUrl("large");
  const open = async (path: string): Promise<Replica> => {
    const replica = await openReplica({ path, url, protocol: "libsql" });
    onTestFinished(() => replica.close());
    return replica;
  };
  const path = join(temporaryDirectory(), "replica.db");
  const generation = (): number => JSON.parse(readFileSync(`${path}-mirror-info`, "utf8")).generation;
  const replica = await open(path);
  const first = generation();
  replica.db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  replica.db.exec(`INSERT INTO t (a) ${ROWS} SELECT zeroblob(3900) FROM n`);
  await replica.sync();
  await replica.sync();
  expect(generation()).toBe(first + 1);
  replica.db.exec("UPDATE t SET a = 'small' WHERE id = 1");
  await replica.sync();
  const other = await open(join(temporaryDirectory(), "other.db"));
  const counted = "SELECT count(*) AS n, min(length(a)) AS m FROM t";
  expect(other.db.prepare(counted).get()).toEqual({ n: 5_000, m: 5 });
  expect(await server.query(counted)).toEqual([["5000", "5"]]);
});
