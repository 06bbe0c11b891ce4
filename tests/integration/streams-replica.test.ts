import { rmSync } from "node:fs";
import { join } from "node:path";
import { type OutboundPackage, SyncError } from "@tributary/core";
import { repairReplica } from "@tributary/replica";
import { type CapturedDatabase, openCapturedDatabase } from "@tributary/streams";
import { createRandom, makeCrashDirectory, type SeededRandom } from "@tributary/testkit";
import type Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { type Remote, startTributary } from "../support/remotes.js";
import { crashedCopy, openStreamReplica, type StreamReplica } from "../support/stream-replica.js";

/** A table without a key: what is applied twice is there twice. */
const SCHEMA = "CREATE TABLE entry (what TEXT)";

type Streams = Pick<StreamReplica["streams"], "site" | "createOutboundStream" | "createInboundStream">;

interface Network {
  readonly random: SeededRandom;
  readonly remote: Remote;
  readonly directory: string;
  replica: StreamReplica;
  readonly sender: CapturedDatabase;
  readonly third: CapturedDatabase;
  /** What was committed, by where. */
  readonly written: { readonly replica: string[]; readonly sender: string[]; readonly remote: string[] };
  crashes: number;
}

function captured(directory: string, name: string): CapturedDatabase {
  const database = openCapturedDatabase({
    path: join(directory, `${name}.db`),
    name,
    database: { synchronous: "OFF" },
  });
  onTestFinished(() => database.close());
  database.db.exec(SCHEMA);
  return database;
}

async function startNetwork(seed: number): Promise<Network> {
  // In memory where there is such a place: what is durable is not the question here.
  const directory = makeCrashDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const remote = await startTributary(join(directory, "server.db"));
  await remote.query(SCHEMA);
  const sender = captured(directory, "sender");
  const third = captured(directory, "third");
  const replica = await openStreamReplica(join(directory, "replica.db"), remote.url);
  const network: Network = {
    random: createRandom(seed),
    remote,
    directory,
    replica,
    sender,
    third,
    written: { replica: [], sender: [], remote: [] },
    crashes: 0,
  };
  onTestFinished(() => network.replica.close());
  // The table is everywhere: what is made from now on travels.
  for (const [from, to] of wires(network)) from.createOutboundStream({ to: to.site, since: "now" });
  return network;
}

/** Who sends to whom: the sender and the replica to each other, and the replica on to a third. */
function wires({ replica, sender, third }: Network): (readonly [Streams, Streams])[] {
  return [
    [sender, replica.streams],
    [replica.streams, sender],
    [replica.streams, third],
  ];
}

/** Sends some packages, or all, over a wire that loses some and doubles others. */
function transfer({ random }: Network, [from, to]: readonly [Streams, Streams], all: boolean): void {
  const excludeOrigins = random.chance(0.5) ? [to.site] : [];
  const options = { to: to.site, maxBytes: random.pick([1, 40, 100_000]), excludeOrigins };
  const outbound = from.createOutboundStream(options);
  const inbound = inboundOf(to, from);
  const isBad = !all && random.chance(0.3);
  for (let count = all ? Number.POSITIVE_INFINITY : 1 + random.below(4); count > 0; count--) {
    const made = outbound.next();
    if (made === undefined) break;
    // Lost on the way: what comes next is refused, or the sender's crash makes it begin there again.
    if (isBad && random.chance(0.3)) {
      made.nack();
      continue;
    }
    if (!deliver(inbound, made)) {
      // The receiver has more than was acknowledged, and packages are cut otherwise now.
      outbound.resume(inbound.position);
      continue;
    }
    if (isBad && random.chance(0.3)) expect(inbound.apply(made.payload).status).toBe("repeat");
    // The acknowledgement is lost, or it crashed in between.
    if (isBad && random.chance(0.5)) break;
    made.ack();
  }
  outbound.close();
}

/** Captured databases have made the table themselves, with their first change. */
function inboundOf(to: Streams, from: Pick<Streams, "site">): ReturnType<Streams["createInboundStream"]> {
  return to.createInboundStream({ from: from.site, since: from.site.startsWith("sender") ? 1 : 0 });
}

/** Whether it was the next one, or a repeat. */
function deliver(inbound: ReturnType<Streams["createInboundStream"]>, made: OutboundPackage): boolean {
  try {
    const { cursor, status } = inbound.apply(made.payload);
    if (status !== "repeat") expect(cursor).toBe(made.to);
    return true;
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "stream-gap") throw error;
    return false;
  }
}

function write(network: Network, where: "replica" | "sender", db: Database.Database): void {
  const { random, written } = network;
  const insert = db.prepare("INSERT INTO entry VALUES (?)");
  db.transaction(() => {
    for (let count = 1 + random.below(4); count > 0; count--) {
      const what = `${where} ${written[where].length}`;
      insert.run(what);
      written[where].push(what);
    }
  })();
}

async function writeAtRemote({ remote, written }: Network): Promise<void> {
  const what = `remote ${written.remote.length}`;
  await remote.query("INSERT INTO entry VALUES (?)", [what]);
  written.remote.push(what);
}

/** The process of the replica dies, and another one opens what it left. */
async function crash(network: Network): Promise<void> {
  const { replica, remote, directory } = network;
  const copy = crashedCopy(replica.path, join(directory, `crash-${network.crashes++}`));
  await replica.close();
  network.replica = await openStreamReplica(copy, remote.url);
}

async function step(network: Network): Promise<void> {
  const { random, replica, sender } = network;
  const kind = random.below(20);
  if (kind < 4) write(network, "replica", replica.sql.db);
  else if (kind < 8) write(network, "sender", sender.db);
  else if (kind < 10) await writeAtRemote(network);
  else if (kind < 13) await replica.pull();
  else if (kind < 15) await replica.push();
  else if (kind < 16) await crash(network);
  else transfer(network, random.pick(wires(network)), false);
}

const entriesOf = (db: Database.Database): string[] =>
  (db.prepare("SELECT what FROM entry").pluck().all() as string[]).sort();

/** `TRIBUTARY_SEEDS`: as many as that. */
const SEEDS = Array.from({ length: Number(process.env.TRIBUTARY_SEEDS ?? 3) }, (_, index) => index + 1);

test.each(SEEDS)(
  "pulls, pushes, packages, local writes and crashes in any order lose nothing and double nothing, seed %i",
  { timeout: 60_000 },
  async (seed) => {
    const network = await startNetwork(seed);
    for (let count = 0; count < 45; count++) await step(network);
    // Until all have all.
    for (let round = 0; round < 3; round++) {
      for (const wire of wires(network)) transfer(network, wire, true);
      await network.replica.push();
      await network.replica.pull();
    }
    const { replica, sender, third, remote, written } = network;
    const streamed = [...written.replica, ...written.sender].sort();
    const all = [...streamed, ...written.remote].sort();
    expect(entriesOf(replica.sql.db)).toEqual(all);
    expect((await remote.query("SELECT what FROM entry")).map(String).sort()).toEqual(all);
    expect(entriesOf(sender.db)).toEqual(streamed);
    expect(entriesOf(third.db)).toEqual(streamed);
  },
);

test("a stream that is open while pulls restart the tape goes on with the next change", async () => {
  const network = await startNetwork(1);
  const { replica, third } = network;
  const outbound = replica.streams.createOutboundStream({ to: third.site });
  const inbound = third.createInboundStream({ from: replica.streams.site });
  const sent: number[] = [];
  for (let round = 0; round < 4; round++) {
    write(network, "replica", replica.sql.db);
    await writeAtRemote(network);
    if (round % 2 === 0) await replica.push();
    await replica.pull();
    write(network, "replica", replica.sql.db);
    for (let made = outbound.next(); made !== undefined; made = outbound.next()) {
      expect(made.from).toBe(sent.at(-1) ?? made.from);
      inbound.apply(made.payload);
      made.ack();
      sent.push(made.to);
    }
  }
  expect(entriesOf(third.db)).toEqual([...network.written.replica].sort());
  expect(replica.streams.peers()).toMatchObject([
    { name: network.sender.site },
    { acknowledged: sent.at(-1) },
  ]);
});

test("a transaction in parts is applied as a whole, though pulls come between them", async () => {
  const network = await startNetwork(2);
  const { replica, sender } = network;
  sender.db.exec(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO entry SELECT 'entry ' || i || hex(zeroblob(50)) FROM n",
  );
  const outbound = sender.createOutboundStream({ to: replica.streams.site, maxBytes: 5_000 });
  let parts = 0;
  for (let made = outbound.next(); made !== undefined; made = outbound.next()) {
    const inbound = inboundOf(replica.streams, sender);
    const { status } = inbound.apply(made.payload);
    expect(status).toBe(made.endsTransaction ? "applied" : "parked");
    made.ack();
    parts++;
    expect(replica.sql.db.prepare("SELECT count(*) FROM entry WHERE what LIKE 'entry%'").pluck().get()).toBe(
      made.endsTransaction ? 300 : 0,
    );
    await writeAtRemote(network);
    await replica.pull();
  }
  expect(parts).toBeGreaterThan(5);
  await replica.push();
  expect(await network.remote.query("SELECT count(*) FROM entry WHERE what LIKE 'entry%'")).toEqual([[300n]]);
});

test("rebase is refused, and a package while the app has a transaction open waits", async () => {
  const { replica, sender } = await startNetwork(3);
  expect(() => replica.streams.createInboundStream({ from: sender.site, rebase: true })).toThrow(
    expect.objectContaining({ code: "invalid-option" }),
  );
  const outbound = sender.createOutboundStream({ to: replica.streams.site });
  sender.db.exec("INSERT INTO entry VALUES ('a')");
  const inbound = inboundOf(replica.streams, sender);
  const made = outbound.next() as OutboundPackage;
  replica.sql.db.exec("BEGIN");
  let failure: unknown;
  try {
    inbound.apply(made.payload);
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(SyncError);
  expect(failure).toMatchObject({ code: "database-busy" });
  replica.sql.db.exec("COMMIT");
  expect(inbound.apply(made.payload).status).toBe("applied");
});

test("the SQL of streams works in a replica", async () => {
  const network = await startNetwork(4);
  const { replica, third } = network;
  write(network, "replica", replica.sql.db);
  const made = replica.sql.db.prepare("SELECT package, cursor FROM tributary_changes('start')").get() as {
    package: Buffer;
    cursor: number;
  };
  third.db.prepare("INSERT INTO tributary_inbox (package) VALUES (?)").run(made.package);
  expect(entriesOf(third.db)).toEqual([...network.written.replica].sort());
  third.db.exec("INSERT INTO entry VALUES ('back')");
  const back = third.db.prepare("SELECT package FROM tributary_changes(?)").pluck().get("start");
  await writeAtRemote(network);
  await replica.pull();
  const { db } = replica.sql;
  db.prepare("INSERT INTO tributary_inbox (package) VALUES (?)").run(back);
  expect(db.prepare("SELECT status FROM tributary_inbox").pluck().all()).toEqual(["applied"]);
  await replica.push();
  expect(await network.remote.query("SELECT count(*) FROM entry WHERE what = 'back'")).toEqual([[1n]]);
  // What was made before the pull is still there under the same cursors.
  const again = db.prepare("SELECT max(cursor) FROM tributary_changes('start')").pluck();
  expect(again.get()).toBeGreaterThan(made.cursor);
});

test("the streams of a repaired replica begin anew, and say so", async () => {
  const network = await startNetwork(5);
  const { sender, third, remote } = network;
  write(network, "replica", network.replica.sql.db);
  write(network, "sender", sender.db);
  for (const wire of wires(network)) transfer(network, wire, true);
  write(network, "replica", network.replica.sql.db);
  const { path, streams } = network.replica;
  const { epoch } = streams.createOutboundStream({ to: third.site }).position;
  await network.replica.close();
  const { changes } = await repairReplica({ path, url: remote.url });
  expect(changes).toBeGreaterThan(0);
  network.replica = await openStreamReplica(path, remote.url);
  const { streams: repaired } = network.replica;
  expect(repaired.peers()).toEqual([]);
  const outbound = repaired.createOutboundStream({ to: third.site });
  const inbound = third.createInboundStream({ from: repaired.site });
  expect(inbound.position?.epoch).toBe(epoch);
  const restarted = expect.objectContaining({ code: "stream-restarted" });
  expect(() => outbound.resume(inbound.position)).toThrow(restarted);
  const tape = repaired.createOutboundStream({ since: "start" });
  expect(() => inbound.apply((tape.next() as OutboundPackage).payload)).toThrow(restarted);
  // Its senders are asked for a snapshot.
  expect(inboundOf(repaired, sender).position).toBeUndefined();
  const snapshot = repaired.createOutboundStream({ to: third.site, since: "snapshot" });
  for (let made = snapshot.next(); made !== undefined; made = snapshot.next()) {
    inbound.apply(made.payload);
    made.ack();
  }
  expect(new Set(entriesOf(third.db))).toEqual(
    new Set([...network.written.replica, ...network.written.sender]),
  );
});
