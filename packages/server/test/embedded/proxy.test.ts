import { describe, expect, test } from "vitest";
import { ProxyConnections } from "../../src/embedded/proxy-connections.js";
import type { StreamRegistry } from "../../src/hrana/stream-registry.js";
import type { SyncServer, SyncServerOptions } from "../../src/index.js";
import type { RouteContext } from "../../src/routes/route-context.js";
import { openServer, settle } from "../support/open-server.js";
import { call, EmbeddedClient, type GrpcAnswer } from "./support/embedded-client.js";
import { encodeFields, type Field, Fields } from "./support/protobuf.js";

type Step = string | { readonly sql: string; readonly condition?: Buffer; readonly skipRows?: boolean };

const OK = (step: number): Buffer => encodeFields([1, encodeFields([1, BigInt(step)])]);
const FAILED = (step: number): Buffer => encodeFields([2, encodeFields([1, BigInt(step)])]);
const AUTOCOMMIT = encodeFields([6, ""]);

/** What `Execute` gave: of each step the first column of its rows, or its error; and what state it left. */
interface Executed {
  readonly results: readonly unknown[];
  readonly state: bigint;
  readonly frame: bigint | undefined;
}

/** A client by what it calls itself. */
function client(server: SyncServer, id: string, headers: Record<string, string> = {}) {
  const ask = (method: string, ...fields: readonly Field[]): Promise<GrpcAnswer> =>
    call(server, `/proxy.Proxy/${method}`, encodeFields([1, id], ...fields), headers);
  return {
    ask,
    async execute(...steps: readonly Step[]): Promise<Executed> {
      const { status, text, messages } = await ask("Execute", [2, encodeFields(...steps.map(toStep))]);
      expect([status, text]).toEqual([0, ""]);
      const fields = new Fields(messages[0] as Buffer);
      return {
        results: fields.messages(1).map(readResult),
        state: fields.number(2) ?? 0n,
        frame: fields.number(3),
      };
    },
    async describe(sql: string): Promise<Fields> {
      const { status, messages } = await ask("Describe", [2, sql]);
      expect(status).toBe(0);
      return new Fields(messages[0] as Buffer);
    },
  };
}

function toStep(step: Step): Field {
  const { sql, condition, skipRows } = typeof step === "string" ? { sql: step } : step;
  const query: Field[] = [
    [1, sql],
    [2, ""],
  ];
  if (skipRows === true) query.push([4, 1n]);
  const fields: Field[] = [[2, encodeFields(...query)]];
  return [1, encodeFields(...(condition === undefined ? fields : [[1, condition] as const, ...fields]))];
}

function readResult(result: Fields): unknown {
  const [error] = result.messages(1);
  if (error !== undefined) return error.text(2);
  const [rows] = result.messages(2);
  return rows?.messages(2).map((row) => row.messages(1)[0]?.all(1)[0]?.readBigInt64LE(4));
}

function setUp(options: Partial<SyncServerOptions> = {}) {
  const { server, clock } = openServer(options);
  return { server, clock, one: client(server, "one"), two: client(server, "two") };
}

const TIMED_OUT = expect.stringContaining("the transaction was rolled back");
const TXN = 2n;

describe("a program", () => {
  test("runs the steps whose conditions hold; one that is skipped gives nothing", async () => {
    const { one } = setUp();
    await one.execute("CREATE TABLE t(a UNIQUE)");
    // As the client sends what is to be all or nothing.
    const batch = (...inserts: readonly string[]): Step[] => [
      "BEGIN",
      ...inserts.map((sql, index) => ({ sql, condition: OK(index) })),
      { sql: "COMMIT", condition: OK(inserts.length) },
      { sql: "ROLLBACK", condition: encodeFields([3, encodeFields([1, OK(inserts.length + 1)])]) },
    ];
    expect(await one.execute(...batch("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"))).toMatchObject(
      {
        results: [[], [], [], [], []],
        state: 0n,
      },
    );
    const failed = await one.execute(...batch("INSERT INTO t VALUES (3)", "INSERT INTO t VALUES (1)"));
    expect(failed).toMatchObject({
      results: [[], [], expect.stringContaining("UNIQUE"), [], []],
      state: 0n,
    });
    const select = "SELECT a FROM t ORDER BY a";
    expect(
      await one.execute(
        "SELECT nonsense",
        { sql: select, condition: FAILED(0) },
        { sql: select, condition: OK(0) },
        { sql: select, condition: AUTOCOMMIT, skipRows: true },
      ),
    ).toMatchObject({ results: [expect.stringContaining("nonsense"), [1n, 2n], [], []] });
  });

  test("without conditions ends at the first step that fails", async () => {
    const { one } = setUp();
    const sql = [
      "CREATE TABLE t(a)",
      "BEGIN",
      "INSERT INTO t VALUES (1)",
      "INSERT INTO u VALUES (1)",
      "COMMIT",
    ];
    const { results, state } = await one.execute(...sql);
    expect(results).toEqual([[], [], [], expect.stringContaining("no such table: u"), []]);
    expect(state).toBe(TXN);
    expect((await one.execute("ROLLBACK", "SELECT count(*) FROM t")).results).toEqual([[], [0n]]);
  });

  test("tells the newest frame, which the log then has", async () => {
    const { server, one } = setUp();
    const { frame } = await one.execute("CREATE TABLE t(a)");
    const replica = new EmbeddedClient(server);
    await replica.sync();
    expect(replica.frame).toBe(frame);
  });

  test("that cannot be read, or is too long, is refused as a whole", async () => {
    const { server, one } = setUp({ maxStatements: 3 });
    const refused = async (...fields: readonly Field[]): Promise<unknown> => {
      const { status, response } = await one.ask("Execute", ...fields);
      return [status, response.status];
    };
    expect(await refused([2, encodeFields([1, ""])])).toEqual([3, 400]);
    expect(await refused([2, encodeFields(...Array.from({ length: 4 }, () => toStep("SELECT 1")))])).toEqual([
      3, 400,
    ]);
    for (const id of ["", "x".repeat(65)]) {
      const { status } = await client(server, id).ask("Execute", [2, encodeFields(toStep("SELECT 1"))]);
      expect(status).toBe(3);
    }
  });
});

test("a statement is described, in a transaction too", async () => {
  const { one } = setUp();
  await one.execute("BEGIN", "CREATE TABLE t(a INTEGER, b)");
  const [described] = (await one.describe("INSERT INTO t VALUES (:a, ?) RETURNING a, b AS c")).messages(2);
  expect(described?.messages(1).map((column) => [column.text(1), column.text(3)])).toEqual([
    ["a", "INTEGER"],
    ["c", undefined],
  ]);
  expect(described?.all(2).map(String)).toEqual([":a", "?2"]);
  expect(described?.number(3)).toBe(2n);
  const [error] = (await one.describe("SELECT * FROM missing")).messages(1);
  expect([error?.number(1), error?.text(2)]).toEqual([1n, expect.stringContaining("no such table")]);
  expect((await one.execute("ROLLBACK")).state).toBe(0n);
});

test.each([
  ["libsql-rpc-0.9.30", ["?0", ":a"]],
  ["libsql-rpc-0.3.5", ["?0", ":a"]],
  ["libsql-rpc-0.9.31", [":a"]],
  ["libsql-rpc-1.0.0", [":a"]],
])("%s finds the name of a parameter where it looks for it", async (version, names) => {
  const { server } = setUp();
  const described = await client(server, "one", { "x-libsql-client-version": version }).describe("SELECT :a");
  expect(described.messages(2)[0]?.all(2).map(String)).toEqual(names);
});

describe("a transaction", () => {
  test("is the client's own, over many calls", async () => {
    const { one, two } = setUp();
    await one.execute("CREATE TABLE t(a)");
    expect((await one.execute("BEGIN")).state).toBe(TXN);
    expect((await one.execute("INSERT INTO t VALUES (1)")).state).toBe(TXN);
    expect((await two.execute("SELECT count(*) FROM t")).results).toEqual([[0n]]);
    expect((await one.execute("SELECT count(*) FROM t")).results).toEqual([[1n]]);
    expect((await one.execute("COMMIT")).state).toBe(0n);
    expect((await two.execute("SELECT count(*) FROM t")).results).toEqual([[1n]]);
  });

  test("keeps its order where calls come at once, and another writer waits for it", async () => {
    const { one, two } = setUp();
    await one.execute("CREATE TABLE t(a)");
    await one.execute("BEGIN IMMEDIATE");
    const order: string[] = [];
    const other = two.execute("INSERT INTO t VALUES (0)").then(() => order.push("two"));
    const all = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)", "COMMIT"].map((sql) =>
      one.execute(sql),
    );
    expect((await Promise.all(all)).map(({ state }) => state)).toEqual([TXN, TXN, 0n]);
    order.push("one");
    await other;
    expect(order).toEqual(["one", "two"]);
    expect((await one.execute("SELECT a FROM t ORDER BY rowid")).results).toEqual([[1n, 2n, 0n]]);
  });

  test("that was left idle is rolled back, and nothing more is committed until the client has rolled back", async () => {
    const { clock, one, two } = setUp();
    await one.execute("CREATE TABLE t(a)");
    await one.execute("BEGIN", "INSERT INTO t VALUES (1)");
    clock.advance(20_000);
    await settle();
    expect((await two.execute("INSERT INTO t VALUES (2)")).results).toEqual([[]]);
    const late = await one.execute("INSERT INTO t VALUES (3)");
    expect([late.results, late.state]).toEqual([[TIMED_OUT], TXN]);
    expect((await one.describe("SELECT 1")).messages(2)).toHaveLength(1);
    expect((await one.execute("COMMIT")).results).toEqual([TIMED_OUT]);
    // Also after the stream of that answer has gone in its turn.
    clock.advance(20_000);
    await settle();
    expect((await one.execute("INSERT INTO t VALUES (4)")).results).toEqual([TIMED_OUT]);
    expect(await one.execute("ROLLBACK")).toMatchObject({ results: [[]], state: 0n });
    expect((await one.execute("INSERT INTO t VALUES (5)", "SELECT a FROM t")).results).toEqual([
      [],
      [2n, 5n],
    ]);
  });

  test("that was taken away for others fails in the same way", async () => {
    const { clock, one, two } = setUp();
    await one.execute("CREATE TABLE t(a)");
    await one.execute("BEGIN", "INSERT INTO t VALUES (1)");
    const waiting = two.execute("INSERT INTO t VALUES (2)");
    await settle();
    clock.advance(6_000);
    expect((await waiting).results).toEqual([[]]);
    expect((await one.execute("INSERT INTO t VALUES (3)")).results).toEqual([TIMED_OUT]);
    expect((await one.execute("ROLLBACK", "SELECT a FROM t")).results).toEqual([[], [2n]]);
  });

  test("outside of one, an idle client is forgotten without a word", async () => {
    const { server, clock, one } = setUp();
    await one.execute("CREATE TABLE t(a)", "CREATE TEMP TABLE mine(a)");
    expect((await one.execute("SELECT count(*) FROM mine")).results).toEqual([[0n]]);
    clock.advance(20_000);
    await settle();
    expect(server.status().databases[0]?.streams).toBe(0);
    expect((await one.execute("INSERT INTO t VALUES (1)")).results).toEqual([[]]);
    expect((await one.execute("SELECT count(*) FROM mine")).results).toEqual([
      expect.stringContaining("no such table"),
    ]);
  });

  test("ends with its client, which says that it goes", async () => {
    const { one, two } = setUp({ lockTimeoutMs: 0 });
    await one.execute("CREATE TABLE t(a)");
    await one.execute("BEGIN", "INSERT INTO t VALUES (1)");
    expect((await one.ask("Disconnect")).status).toBe(0);
    expect((await one.ask("Disconnect")).status).toBe(0);
    expect((await two.execute("INSERT INTO t VALUES (2)")).results).toEqual([[]]);
    // It has said so itself: there is nothing that it would have to be told.
    expect((await one.execute("SELECT a FROM t")).results).toEqual([[2n]]);
  });

  test("ends with a client that goes without a word in the middle of a call", async () => {
    const { server, clock, one, two } = setUp();
    await one.execute("CREATE TABLE t(a)");
    await one.execute("BEGIN", "SELECT * FROM t");
    await two.execute("BEGIN IMMEDIATE");
    const gone = new AbortController();
    const insert = encodeFields([1, "one"], [2, encodeFields(toStep("INSERT INTO t VALUES (1)"))]);
    const waiting = call(server, "/proxy.Proxy/Execute", insert, {}, gone.signal);
    await settle();
    gone.abort();
    clock.advance(1_000);
    expect((await waiting).status).not.toBe(0);
    expect((await two.execute("COMMIT")).state).toBe(0n);
    expect((await one.execute("INSERT INTO t VALUES (2)")).results).toEqual([TIMED_OUT]);
    expect((await one.execute("ROLLBACK", "SELECT count(*) FROM t")).results).toEqual([[], [0n]]);
  });

  test("is not to be had by who calls himself the same with another token, or another database", async () => {
    const { server } = openServer({
      authorize: ({ token }) => ({
        access: token === "reader" ? "read" : "write",
        device: token ?? "nobody",
      }),
    });
    const as = (token: string) => client(server, "one", { "x-authorization": `Bearer ${token}` });
    await as("a").execute("CREATE TABLE t(a)");
    await as("a").execute("BEGIN", "INSERT INTO t VALUES (1)");
    expect((await as("b").execute("SELECT count(*) FROM t")).results).toEqual([[0n]]);
    expect((await as("b").ask("Disconnect")).status).toBe(0);
    expect((await as("a").execute("COMMIT")).state).toBe(0n);
    expect((await as("reader").execute("SELECT count(*) FROM t", "DELETE FROM t")).results).toEqual([
      [1n],
      expect.stringContaining("readonly"),
    ]);
  });
});

test("streams that are kept are few, and those in transactions are kept", async () => {
  const { server, one } = setUp({ maxStreams: 2 });
  await one.execute("CREATE TABLE t(a)");
  await one.execute("BEGIN", "INSERT INTO t VALUES (1)");
  for (let index = 0; index < 20; index++) await client(server, `other ${index}`).execute("SELECT 1");
  expect((await one.execute("COMMIT", "SELECT a FROM t")).results).toEqual([[], [1n]]);
});

test("of clients that are remembered the oldest outside of a transaction is forgotten first", async () => {
  const resumed: string[] = [];
  let isAutocommit = true;
  const fake = {
    open: async () => ({ stream: { runProxy: async () => new Uint8Array(), isAutocommit } }),
    suspend: () => String(++batons),
    resume(baton: string) {
      resumed.push(baton);
      return { stream: { runProxy: async () => new Uint8Array(), isAutocommit } };
    },
    close() {},
  };
  let batons = 0;
  const connections = new ProxyConnections(fake as unknown as StreamRegistry, 2);
  const lease = { name: "default", release() {} };
  const context = {
    request: new Request("http://localhost/"),
    options: {},
    access: "write",
    device: undefined,
    databases: { acquire: () => lease },
    lease,
  } as unknown as RouteContext;
  const use = (id: string): Promise<unknown> =>
    connections.run(context, id, { type: "execute", body: new Uint8Array(), namesFromOne: false });
  isAutocommit = false;
  await use("in a transaction");
  isAutocommit = true;
  for (const id of ["a", "b"]) await use(id);
  isAutocommit = false;
  for (const id of ["in a transaction", "b", "a"]) await use(id);
  expect(resumed).toEqual(["1", "3"]);
});
