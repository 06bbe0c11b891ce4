import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { createLiveClient, type KeptLink, linkStreams, type StreamLink } from "@tributary/live";
import {
  type CapturedDatabase,
  type CapturedDatabaseOptions,
  createStreamHub,
  type JoinHubOptions,
  joinHub,
  openCapturedDatabase,
  type StreamHub,
  type StreamHubOptions,
} from "@tributary/streams";
import { createRandom } from "@tributary/testkit";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { createFaultyChannels, type FaultyChannels } from "../support/faulty-channel.js";
import { SteppedClock } from "../support/stepped-clock.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** A hub and its spokes, all of them files, on a clock of their own. */
class Stage {
  readonly random = createRandom(5);
  readonly clock = new SteppedClock(this.random);
  readonly directory = temporaryDirectory();
  readonly ended: (string | undefined)[] = [];
  readonly #channels = new Set<FaultyChannels>();
  #hub: StreamHub | undefined;
  database!: CapturedDatabase;

  constructor(options: Partial<CapturedDatabaseOptions> = {}) {
    this.startHub({}, options);
  }

  open(name: string, options: Partial<CapturedDatabaseOptions> = {}): CapturedDatabase {
    const path = join(this.directory, `${name}.db`);
    const database = openCapturedDatabase({ path, name, database: { synchronous: "OFF" }, ...options });
    onTestFinished(() => database.close());
    return database;
  }

  startHub(hub: Partial<StreamHubOptions> = {}, options: Partial<CapturedDatabaseOptions> = {}): void {
    this.database = this.open("hub", options);
    this.#hub = createStreamHub({
      openDatabase: () => this.database,
      clock: this.clock,
      onLinkEnd: (_link, error) => this.ended.push((error as { code?: string } | undefined)?.code),
      ...hub,
    });
  }

  /** As a process that ends at once: nobody is told, the network is gone. */
  stopHub(): void {
    for (const channels of this.#channels) channels.cut();
    this.#channels.clear();
    this.#hub?.close();
    this.#hub = undefined;
    this.database.close();
  }

  join(streams: CapturedDatabase, options: Partial<JoinHubOptions> = {}, authToken?: () => string): KeptLink {
    const client = createLiveClient({
      connect: async () => {
        const channels = createFaultyChannels(this.clock, this.random, { delayMs: [1, 5] });
        if (this.#hub === undefined) channels.cut();
        else this.#hub.accept(channels.right);
        this.#channels.add(channels);
        return channels.left;
      },
      endpoint: "the hub",
      clock: this.clock,
      ...(authToken === undefined ? {} : { authToken }),
    });
    const link = joinHub({ client, streams, clock: this.clock, ...options });
    onTestFinished(() => link.close());
    return link;
  }

  /** Resolves when all show what the hub shows, and nothing is on its way. */
  async settle(databases: readonly CapturedDatabase[], links: readonly KeptLink[]): Promise<void> {
    await this.clock.finish(Promise.all(links.map((link) => link.flush())));
    const isSame = (): boolean => {
      const expected = JSON.stringify(contentsOf(this.database.db), plain);
      return databases.every(({ db }) => JSON.stringify(contentsOf(db), plain) === expected);
    };
    for (let waited = 0; waited < 60 && !isSame(); waited++) await this.clock.advance(1000);
    await this.clock.advance(5_000);
    expect(isSame()).toBe(true);
  }
}

const plain = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

const SCHEMA = "CREATE TABLE item (id TEXT PRIMARY KEY, v); CREATE TABLE loose (v)";
const items = ({ db }: CapturedDatabase): unknown[] =>
  db.prepare("SELECT id || '=' || v FROM item ORDER BY id").pluck().all();

test("a hub that is stopped and started again: three spokes come back, nothing is lost and nothing doubled", async () => {
  const stage = new Stage();
  stage.database.db.exec(SCHEMA);
  const spokes = ["a", "b", "c"].map((name) => stage.open(name));
  const links = spokes.map((spoke) => stage.join(spoke));
  await stage.settle(spokes, links);
  const write = (round: number): void => {
    for (const { db, site } of spokes) {
      const [name] = site.split("-");
      db.exec(`INSERT INTO item VALUES ('${name}${round}', ${round}); INSERT INTO loose VALUES ('${name}${round}');
        INSERT INTO item VALUES ('shared', '${name}${round}') ON CONFLICT DO UPDATE SET v = excluded.v`);
    }
  };
  for (let round = 0; round < 3; round++) {
    write(round);
    await stage.clock.advance(round * 3);
    stage.stopHub();
    write(round + 10);
    await stage.clock.advance(1000);
    stage.startHub();
  }
  await stage.settle(spokes, links);
  const { db } = stage.database;
  expect(db.prepare("SELECT count(*), count(DISTINCT v) FROM loose").raw().get()).toEqual([18, 18]);
  expect(db.prepare("SELECT count(*) FROM item").pluck().get()).toBe(19);
});

test("rows from before a database was captured are not lost to a hub: it is linked without rebase first", async () => {
  const stage = new Stage();
  stage.database.db.exec(`${SCHEMA}; INSERT INTO item VALUES ('hub', 1), ('both', 'hub')`);
  const older = new Database(join(stage.directory, "a.db"));
  older.exec(`${SCHEMA}; INSERT INTO item VALUES ('old', 1), ('both', 'old')`);
  older.close();
  const [a, b] = [stage.open("a"), stage.open("b")];
  const refused = stage.join(a);
  await stage.clock.until(() => refused.status.state === "stopped");
  expect(refused.status).toMatchObject({ error: { code: "invalid-state" } });
  expect(items(a)).toEqual(["both=old", "old=1"]);
  const first = stage.join(a, { receive: { rebase: false } });
  await stage.clock.finish(first.flush());
  first.close();
  const links = [a, b].map((spoke) => stage.join(spoke));
  a.db.exec("UPDATE item SET v = 'again' WHERE id = 'both'");
  await stage.settle([a, b], links);
  expect(items(stage.database)).toEqual(["both=again", "hub=1", "old=1"]);
});

test("a spoke whose oldest changes were trimmed before it had a hub is no empty one either", async () => {
  const stage = new Stage();
  const spoke = stage.open("a", { retention: { maxChanges: 10 } });
  spoke.db.exec(SCHEMA);
  for (let at = 0; at < 300; at++) spoke.db.exec(`INSERT INTO item VALUES (${at}, 1)`);
  const link = stage.join(spoke);
  await stage.clock.until(() => link.status.state === "stopped");
  expect(link.status).toMatchObject({ error: { code: "invalid-state" } });
  expect(items(spoke)).toHaveLength(300);
});

test("a hub that was restored from a backup: spokes are told, and a snapshot makes all the same", async () => {
  const stage = new Stage();
  stage.database.db.exec(SCHEMA);
  const spokes = ["a", "b"].map((name) => stage.open(name)) as [CapturedDatabase, CapturedDatabase];
  const links = spokes.map((spoke) => stage.join(spoke));
  await stage.settle(spokes, links);
  spokes[0].db.exec("INSERT INTO item VALUES ('a1', 1)");
  await stage.settle(spokes, links);
  stage.stopHub();
  const path = join(stage.directory, "hub.db");
  copyFileSync(path, `${path}.backup`);
  stage.startHub();
  spokes[0].db.exec("INSERT INTO item VALUES ('a2', 2)");
  spokes[1].db.exec("INSERT INTO item VALUES ('b2', 2)");
  stage.database.db.exec("INSERT INTO item VALUES ('h2', 2)");
  await stage.settle(spokes, links);
  stage.stopHub();
  copyFileSync(`${path}.backup`, path);
  stage.startHub();
  stage.database.db.exec("INSERT INTO item VALUES ('h3', 3)");
  await stage.clock.until(() => links.every(({ status }) => status.state === "stopped"));
  expect(links.map(({ status }) => status)).toMatchObject(
    Array(2).fill({ error: { code: "stream-restarted" } }),
  );
  stage.stopHub();
  stage.startHub({ link: { snapshotIfRestarted: true } });
  spokes[1].db.exec("INSERT INTO item VALUES ('b4', 4)");
  for (const link of links) link.retry();
  await stage.settle(spokes, links);
  expect(items(stage.database)).toEqual(expect.arrayContaining(["a1=1", "h3=3", "b4=4"]));
});

test("a spoke that was away too long gets all rows again by itself", async () => {
  const retention = { maxChanges: 20 };
  const stage = new Stage({ retention });
  stage.database.db.exec(SCHEMA);
  const spokes = ["a", "b"].map((name) => stage.open(name)) as [CapturedDatabase, CapturedDatabase];
  const links = spokes.map((spoke) => stage.join(spoke)) as [KeptLink, KeptLink];
  await stage.settle(spokes, links);
  spokes[1].db.exec("INSERT INTO item VALUES ('gone', 1)");
  await stage.settle(spokes, links);
  links[1].close();
  spokes[0].db.exec("DELETE FROM item");
  for (let at = 0; at < 50; at++) spokes[0].db.exec(`INSERT INTO item VALUES ('a${at}', 1)`);
  spokes[1].db.exec("INSERT INTO item VALUES ('mine', 1)");
  await stage.clock.finish(links[0].flush());
  const again = stage.join(spokes[1]);
  await stage.settle(spokes, [links[0], again]);
  expect(items(stage.database)).toHaveLength(51);
});

test("a hub's database that is closed in the middle of everything: spokes wait for it, and nothing is left running", async () => {
  const stage = new Stage();
  stage.database.db.exec(SCHEMA);
  const spokes = ["a", "b"].map((name) => stage.open(name)) as [CapturedDatabase, CapturedDatabase];
  const links = spokes.map((spoke) => stage.join(spoke));
  await stage.settle(spokes, links);
  for (let at = 0; at < 30; at++) spokes[0].db.exec(`INSERT INTO item VALUES ('a${at}', ${at})`);
  await stage.clock.until(() => Number(items(stage.database).length) > 3);
  stage.database.close();
  await stage.clock.advance(20);
  expect(links.map(({ status }) => status.state)).toEqual(["waiting", "waiting"]);
  // The hub itself is there as before, and has nothing to serve.
  await stage.clock.advance(10_000);
  expect(links.every(({ status }) => status.state !== "stopped")).toBe(true);
  stage.stopHub();
  stage.startHub();
  await stage.settle(spokes, links);
  expect(items(stage.database)).toHaveLength(30);

  // A spoke that is closed has no link any more, and is not tried again.
  spokes[1].close();
  await stage.clock.advance(20);
  expect(links[1]?.status).toMatchObject({ state: "stopped", error: { code: "invalid-state" } });
});

test("a token that expires in the middle of a stream is renewed, one that allows no writing any more ends it", async () => {
  const stage = new Stage();
  stage.stopHub();
  let issued = 0;
  // The time of day goes on by itself, and hardly.
  stage.startHub({
    authorize: ({ token }) => ({
      access: Number(token) < 4 ? "write" : "read",
      expiresAt: Date.now() + 60_000,
    }),
  });
  stage.database.db.exec(SCHEMA);
  const spoke = stage.open("a");
  const link = stage.join(spoke, {}, () => String(++issued));
  await stage.settle([spoke], [link]);
  for (let minute = 0; minute < 6; minute++) {
    spoke.db.exec(`INSERT INTO item VALUES ('s${minute}', ${issued})`);
    stage.database.db.exec(`INSERT INTO item VALUES ('h${minute}', ${issued})`);
    await stage.clock.advance(60_000);
  }
  expect(issued).toBeGreaterThan(4);
  expect(link.status.state).toBe("linked");
  expect(items(spoke)).toHaveLength(12);
  const taken = items(stage.database).filter((item) => String(item).startsWith("s"));
  expect(taken.length).toBeGreaterThan(0);
  expect(taken.length).toBeLessThan(6);
});

test("a chain of links in one direction: the end knows whose the changes are, across restarts in the middle", async () => {
  const stage = new Stage();
  const [a, c] = [stage.open("a"), stage.open("c")];
  let b = stage.open("b");
  a.db.exec(SCHEMA);
  const link = (from: CapturedDatabase, to: CapturedDatabase): StreamLink => {
    const { left, right } = createFaultyChannels(stage.clock, stage.random, { delayMs: [1, 5] });
    linkStreams(right, { streams: to, clock: stage.clock, send: false });
    return linkStreams(left, { streams: from, clock: stage.clock, receive: false });
  };
  for (let round = 0; round < 3; round++) {
    const links = [link(a, b), link(b, c)] as const;
    a.db.exec(`INSERT INTO item VALUES ('a${round}', 1)`);
    await stage.clock.finish(links[0].flush());
    await stage.clock.finish(links[1].flush());
    // Both links end with it.
    b.close();
    await stage.clock.advance(20);
    a.db.exec(`INSERT INTO item VALUES ('away${round}', 1)`);
    b = stage.open("b");
  }
  expect(items(c)).toEqual(["a0=1", "a1=1", "a2=1", "away0=1", "away1=1"]);
  const origins = c.db.prepare("SELECT DISTINCT origin FROM tributary_stream_origin").pluck().all();
  // What b sent of itself was the snapshot that c began with.
  expect(origins.sort()).toEqual([a.site, b.site].sort());
  expect(c.peers()).toEqual([]);
});
