import { type Channel, SyncError } from "@tributary/core";
import { createLiveClient, type LiveClient, LiveRefusal } from "@tributary/live";
import { createRandom } from "@tributary/testkit";
import { expect, test } from "vitest";
import { createFaultyChannels, type FaultyChannels } from "../../../../tests/support/faulty-channel.js";
import { SteppedClock } from "../../../../tests/support/stepped-clock.js";
import { FakeStreams } from "../../../live/test/link/fake-streams.js";
import {
  createStreamHub,
  type HubRequest,
  joinHub,
  type StreamHub,
  type StreamHubOptions,
} from "../../src/index.js";

/** A hub with databases that are made when somebody asks for them, and spokes. */
class Stage {
  readonly random = createRandom(11);
  readonly clock = new SteppedClock(this.random);
  readonly databases = new Map<string, FakeStreams>();
  readonly ended: string[] = [];
  readonly asked: HubRequest[] = [];
  readonly channels: FaultyChannels[] = [];
  hub!: StreamHub;

  constructor(options: Partial<StreamHubOptions> = {}) {
    this.open(options);
  }

  open(options: Partial<StreamHubOptions> = {}): void {
    this.hub = createStreamHub({
      openDatabase: (name) => this.database(name),
      clock: this.clock,
      onLinkEnd: ({ database }, error) => this.ended.push(`${database}: ${error?.message ?? "well"}`),
      ...options,
    });
  }

  database(name: string): FakeStreams {
    const there = this.databases.get(name) ?? new FakeStreams(`hub-${name}`);
    this.databases.set(name, there);
    return there;
  }

  client(authToken?: string | (() => string), context?: unknown): LiveClient {
    return createLiveClient({
      connect: async () => this.connect(context),
      endpoint: "the hub",
      clock: this.clock,
      ...(authToken === undefined ? {} : { authToken }),
    });
  }

  connect(context?: unknown): Channel {
    const channels = createFaultyChannels(this.clock, this.random, { delayMs: [1, 5] });
    this.channels.push(channels);
    this.hub.accept(channels.right, context);
    return channels.left;
  }

  join(client: LiveClient, streams: FakeStreams, database = ""): ReturnType<typeof joinHub> {
    return joinHub({ client, streams, database, clock: this.clock });
  }
}

const sorted = (streams: FakeStreams): string[] => [...streams.values].sort();

test("what one spoke writes comes to all others, several databases on one channel", async () => {
  const stage = new Stage();
  const spokes = ["a", "b", "c"].map((name) => new FakeStreams(name));
  const others = ["d", "e"].map((name) => new FakeStreams(name));
  for (const streams of [...spokes, ...others]) streams.write(`${streams.site}1`);
  const client = stage.client();
  const links = [
    ...spokes.map((streams) => stage.join(stage.client(), streams, "first")),
    ...others.map((streams) => stage.join(client, streams, "second")),
  ];
  await stage.clock.until(
    () =>
      spokes.every(({ values }) => values.length === 3) && others.every(({ values }) => values.length === 2),
  );
  expect(stage.channels).toHaveLength(4);
  expect(sorted(stage.database("first"))).toEqual(["a1", "b1", "c1"]);
  expect(sorted(stage.database("second"))).toEqual(["d1", "e1"]);
  await stage.clock.advance(100);
  expect(stage.hub.links.map(({ database, position }) => [database, position.peer])).toEqual(
    expect.arrayContaining([
      ["first", "a"],
      ["first", "b"],
      ["first", "c"],
      ["second", "d"],
      ["second", "e"],
    ]),
  );
  for (const link of links) link.close();
  await stage.clock.advance(100);
  expect(stage.hub.links).toEqual([]);
  expect(stage.database("first").listeners).toBe(0);
});

test("a chain: what is written at one end comes to the other", async () => {
  const stage = new Stage();
  const [far, near] = [new FakeStreams("far"), stage.database("middle")];
  const top = new Stage();
  // The hub in the middle is a spoke of another hub, on the same clock.
  top.open({ clock: stage.clock });
  const connect = async (): Promise<Channel> => {
    const channels = createFaultyChannels(stage.clock, stage.random, { delayMs: [1, 5] });
    top.hub.accept(channels.right);
    return channels.left;
  };
  const up = createLiveClient({ connect, endpoint: "top", clock: stage.clock });
  stage.join(up, near, "top");
  stage.join(stage.client(), far, "middle");
  far.write("from afar");
  top.database("top").write("from the top");
  await stage.clock.until(() => far.values.length === 2 && top.database("top").values.length === 2);
  await stage.clock.advance(10_000);
  expect([far, near, top.database("top")].map(sorted)).toEqual(Array(3).fill(["from afar", "from the top"]));
});

test("a hub that restarts: spokes come back by themselves, and go on where they stood", async () => {
  const stage = new Stage();
  const spokes = ["a", "b"].map((name) => new FakeStreams(name));
  const kept = spokes.map((streams) => stage.join(stage.client(), streams));
  spokes[0]?.write("before");
  await stage.clock.until(() => spokes.every(({ values }) => values.includes("before")));
  stage.hub.close();
  expect(stage.ended).toEqual([": well", ": well"]);
  spokes[0]?.write("while it was away");
  await stage.clock.advance(10_000);
  expect(stage.hub.links).toEqual([]);
  expect(kept.map(({ status }) => status.state)).toEqual(["waiting", "waiting"]);
  stage.open();
  await stage.clock.until(() => spokes.every(({ values }) => values.includes("while it was away")));
  await stage.clock.finish(Promise.all(kept.map((link) => link.flush())));
  expect(spokes.map(({ values }) => values)).toEqual([
    ["before", "while it was away"],
    ["before", "while it was away"],
  ]);
});

test("a spoke that comes back before its old link was missed takes its place", async () => {
  const stage = new Stage();
  const spoke = new FakeStreams("a");
  stage.join(stage.client(), spoke);
  await stage.clock.until(() => stage.hub.links.length === 1);
  const again = stage.join(stage.client(), spoke);
  await stage.clock.until(() => again.status.state === "linked" && stage.ended.length === 1);
  expect(stage.hub.links).toHaveLength(1);
});

test("every channel, and every database, is asked for with its token and context", async () => {
  const stage = new Stage();
  stage.open({
    authorize(request) {
      stage.asked.push(request);
      if (request.token !== "good") throw new LiveRefusal(401, "unauthenticated", "show your token");
      if (request.database === "secret") throw new LiveRefusal(403, "forbidden", "not for you");
      return { site: "a" };
    },
  });
  const [spoke, other] = [new FakeStreams("a"), new FakeStreams("b")];
  spoke.write("a1");
  const stranger = stage.join(stage.client("bad"), other);
  await stage.clock.until(() => stranger.status.state === "stopped");
  expect(stranger.status).toMatchObject({ error: { code: "unauthorized" } });

  const client = stage.client("good", "from there");
  const [allowed, forbidden, falseName] = [
    stage.join(client, spoke, "notes"),
    stage.join(client, spoke, "secret"),
    stage.join(client, other, "notes"),
  ];
  await stage.clock.until(() => [forbidden, falseName].every(({ status }) => status.state === "stopped"));
  await stage.clock.finish(allowed.flush());
  expect(forbidden.status).toMatchObject({ error: { code: "unauthorized" } });
  expect(falseName.status).toMatchObject({ error: { code: "unauthorized" } });
  expect(stage.asked).toContainEqual({ token: "good", database: undefined, context: "from there" });
  expect(stage.asked).toContainEqual({ token: "good", database: "notes", context: "from there" });
  expect([...stage.databases.keys()]).toEqual(["notes", "secret"]);
  expect(stage.database("notes").values).toEqual(["a1"]);
});

test("who may only read gets everything, and nothing is taken", async () => {
  const stage = new Stage({ authorize: () => ({ access: "read" }) });
  const spoke = new FakeStreams("a");
  spoke.write("a1");
  stage.database("").write("h1");
  const kept = stage.join(stage.client(), spoke);
  await stage.clock.until(() => spoke.values.includes("h1"));
  await stage.clock.finish(kept.flush());
  expect(stage.database("").values).toEqual(["h1"]);
});

test("a token that expires is renewed on the open channel; one that allows less ends what it does not allow", async () => {
  const stage = new Stage();
  let issued = 0;
  // The time of day goes on by itself, and hardly.
  const expiring = (): number => Date.now() + 60_000;
  stage.hub.close();
  stage.open({
    authorize({ token, database }) {
      if (Number(token) >= 3 && database === "b") throw new LiveRefusal(403, "forbidden", "not any more");
      return { expiresAt: expiring() };
    },
  });
  const client = stage.client(() => String(++issued));
  const spoke = new FakeStreams("s");
  const [first, second] = [stage.join(client, spoke, "a"), stage.join(client, spoke, "b")];
  for (let minute = 0; minute < 5; minute++) {
    spoke.write(`minute ${minute}`);
    await stage.clock.advance(60_000);
  }
  expect(issued).toBeGreaterThan(4);
  await stage.clock.finish(first.flush());
  expect(stage.database("a").values).toHaveLength(5);
  expect(first.status.state).toBe("linked");
  await stage.clock.until(() => second.status.state === "stopped");
  expect(stage.database("b").values.length).toBeLessThan(5);
});

test("limits hold before anybody has said who it is", async () => {
  const stage = new Stage({ maxChannels: 3 });
  const closed: string[] = [];
  const listen = (channel: Channel): void =>
    channel.listen({ onMessage: () => {}, onDrain: () => {}, onClose: (reason) => closed.push(reason) });
  const channels = [1, 2, 3, 4].map(() => stage.connect());
  channels.forEach(listen);
  await stage.clock.advance(100);
  expect(closed).toEqual(["too many channels"]);
  // Nobody says hello.
  await stage.clock.advance(20_000);
  expect(closed).toHaveLength(4);
  const again = stage.connect();
  listen(again);
  again.send(new Uint8Array(100_000));
  await stage.clock.advance(100);
  expect(closed).toHaveLength(5);
});

test("a hub serves no replicas, refuses what makes no sense, and turns away who comes after its end", async () => {
  const stage = new Stage();
  const client = stage.client();
  const replica = client.replica("notes");
  const request = { longPollTimeoutMs: 0 };
  await expect(stage.clock.finish(Promise.resolve(replica.startPull(request)))).rejects.toBeInstanceOf(
    SyncError,
  );
  expect(() => stage.open({ limits: { maxMessageBytes: 1000 } })).toThrow(
    expect.objectContaining({ code: "invalid-option" }),
  );
  expect(() => stage.open({ maxChannels: 0 })).toThrow(expect.objectContaining({ code: "invalid-option" }));
  stage.hub.close();
  const late = stage.join(stage.client(), new FakeStreams("a"));
  await stage.clock.advance(1000);
  expect(late.status.state).toBe("waiting");
  late.close();
});
