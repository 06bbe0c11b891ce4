import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { linkStreams } from "@tributary/live";
import { type CapturedDatabase, openCapturedDatabase } from "@tributary/streams";
import { createRandom } from "@tributary/testkit";
import { expect, onTestFinished, test } from "vitest";
import { type ChannelFaults, createFaultyChannels, type FaultyChannels } from "../support/faulty-channel.js";
import { SteppedClock } from "../support/stepped-clock.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** `npm run soak` sets it to 500. */
const MEBIBYTES = Number(process.env.TRIBUTARY_LARGE_TRANSACTION_MIB ?? 4);

function openDatabase(path: string): CapturedDatabase {
  const database = openCapturedDatabase({ path, name: "t", database: { synchronous: "OFF" } });
  onTestFinished(() => database.close());
  return database;
}

function setUp(): {
  left: CapturedDatabase;
  right: CapturedDatabase;
  clock: SteppedClock;
  directory: string;
} {
  const directory = temporaryDirectory();
  const [left, right] = ["left.db", "right.db"].map((name) => openDatabase(join(directory, name))) as [
    CapturedDatabase,
    CapturedDatabase,
  ];
  left.db.exec("CREATE TABLE t (k INTEGER PRIMARY KEY, v)");
  return { left, right, clock: new SteppedClock(createRandom(1)), directory };
}

function link(
  left: CapturedDatabase,
  right: CapturedDatabase,
  clock: SteppedClock,
  faults: ChannelFaults = {},
): { channels: FaultyChannels; flush(): Promise<void>; close(): void } {
  const channels = createFaultyChannels(clock, createRandom(2), { delayMs: [1, 2], ...faults });
  const leftLink = linkStreams(channels.left, { streams: left, clock });
  const rightLink = linkStreams(channels.right, { streams: right, clock });
  onTestFinished(() => leftLink.close());
  return {
    channels,
    flush: () => clock.finish(leftLink.flush()),
    close() {
      leftLink.close();
      rightLink.close();
    },
  };
}

const count = ({ db }: CapturedDatabase): unknown => db.prepare("SELECT count(*) FROM t").pluck().get();

test("a large transaction is split, comes through a narrow line in bounded memory, and appears as a whole", async () => {
  const { left, right, clock } = setUp();
  const first = link(left, right, clock);
  await first.flush();
  const rows = MEBIBYTES * 1024;
  const insert = left.db.prepare("INSERT INTO t VALUES (?, randomblob(1000))");
  left.db.transaction(() => {
    for (let k = 1; k <= rows; k++) insert.run(k);
  })();
  first.close();
  const { channels, flush } = link(left, right, clock, { highWaterBytes: 512 * 1024 });
  const seen = new Set<unknown>([0]);
  onTestFinished(right.onCommit(() => seen.add(count(right))));
  const before = process.memoryUsage.rss();
  await flush();
  // Of both ends: parts are applied one at a time, and what was made is not kept.
  if (MEBIBYTES >= 100)
    expect(process.resourceUsage().maxRSS * 1024 - before).toBeLessThan(256 * 1024 * 1024);
  expect(count(right)).toBe(rows);
  expect([...seen]).toEqual([0, rows]);
  expect(channels.mostBytes).toBeLessThan(1024 * 1024);
}, 600_000);

test("a spoke that dies between applying and acknowledging goes on where it stood, from its files", async () => {
  const { left, right, clock, directory } = setUp();
  const first = link(left, right, clock);
  await first.flush();
  // Everything from the right is lost from now on: its acknowledgements, too.
  first.channels.right.send = () => "sent";
  left.db.exec("INSERT INTO t VALUES (1, 'once')");
  await clock.until(() => count(right) === 1);
  const path = join(directory, "after.db");
  for (const end of ["", "-wal"]) {
    if (existsSync(right.path + end)) copyFileSync(right.path + end, path + end);
  }
  first.channels.cut();
  await clock.advance(0);
  right.close();
  const after = openDatabase(path);
  left.db.exec("UPDATE t SET v = v || ' more'; INSERT INTO t VALUES (2, 'later')");
  await link(left, after, clock).flush();
  expect(after.db.prepare("SELECT v FROM t ORDER BY k").pluck().all()).toEqual(["once more", "later"]);
});

test("the app's transaction holds up what comes, and what goes, without an error", async () => {
  const { left, right, clock } = setUp();
  const { flush } = link(left, right, clock);
  await flush();
  right.db.exec("BEGIN; INSERT INTO t VALUES (100, 'mine')");
  left.db.exec("INSERT INTO t VALUES (1, 'theirs')");
  await clock.advance(60_000);
  expect(count(right)).toBe(1);
  right.db.exec("COMMIT");
  await clock.until(() => count(right) === 2 && count(left) === 2, 5000);
});
