import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, expect, test } from "vitest";
import type { FrameOrigin } from "../../src/offline/branch.js";
import { type ChainPast, checkRunningChain } from "../../src/offline/running-chain.js";

const FRAME = 4120;

interface Frame {
  readonly origin: FrameOrigin;
  readonly bytes: Uint8Array;
}

/** A branch whose generations begin behind these positions. */
function pastOf(frames: readonly Frame[], { starts = [0], isShared = false } = {}): ChainPast {
  return {
    isShared,
    startsGeneration: (position) => starts.includes(position),
    *framesBack(position) {
      for (let at = position; at > 0; at--) yield frames[at - 1] as Frame;
    },
  };
}

const byReplica = (bytes: Uint8Array): Frame => ({ origin: "replica", bytes });

/** As the server knows a frame of its own: it does not see what the replica's log makes of it. */
function byServer(bytes: Uint8Array): Frame {
  return { origin: "server", bytes: Uint8Array.from(bytes).fill(0, 8, 24) };
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(frames));
}

/** The frames of the log of a database, as SQLite wrote them. */
function readLog(path: string): Uint8Array[] {
  const bytes = new Uint8Array(readFileSync(`${path}-wal`)).subarray(32);
  return Array.from({ length: bytes.length / FRAME }, (_, index) =>
    bytes.slice(index * FRAME, (index + 1) * FRAME),
  );
}

/** A log with salts of its own: header and frames summed by the definition, word by word. */
function sealed(
  frames: readonly Uint8Array[],
  {
    salt1,
    salt2,
    restarts = 0,
    bigEndian = false,
  }: { salt1: number; salt2: number; restarts?: number; bigEndian?: boolean },
): Uint8Array[] {
  let [first, second] = [0, 0];
  const add = (bytes: Uint8Array): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += 8) {
      first = (first + view.getUint32(at, !bigEndian) + second) >>> 0;
      second = (second + view.getUint32(at + 4, !bigEndian) + first) >>> 0;
    }
  };
  const header = new DataView(new ArrayBuffer(24));
  for (const [index, word] of [
    bigEndian ? 0x377f0683 : 0x377f0682,
    3_007_000,
    4096,
    restarts,
    salt1,
    salt2,
  ].entries())
    header.setUint32(4 * index, word);
  add(new Uint8Array(header.buffer));
  return frames.map((frame) => {
    const bytes = Uint8Array.from(frame);
    add(bytes.subarray(0, 8));
    add(bytes.subarray(24));
    for (const [index, word] of [salt1, salt2, first, second].entries())
      new DataView(bytes.buffer).setUint32(8 + 4 * index, word);
    return bytes;
  });
}

/** The log of a replica, and what it is after another program has checkpointed it and written more. */
let log: Uint8Array[];
let restarted: Uint8Array[];

beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), "tributary-chain-"));
  const path = join(directory, "replica.db");
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.pragma("wal_autocheckpoint = 0");
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  for (let row = 0; row < 12; row++) database.exec("INSERT INTO t (v) VALUES (randomblob(1500))");
  log = readLog(path);
  database.pragma("wal_checkpoint(RESTART)");
  database.exec("INSERT INTO t (v) VALUES (randomblob(1500))");
  restarted = readLog(path).slice(0, 2);
  database.close();
  rmSync(directory, { recursive: true });
});

test("a log that is pushed in pieces is intact, wherever they are cut", () => {
  for (let cut = 0; cut < log.length; cut++) {
    const past = pastOf(log.slice(0, cut).map(byReplica));
    expect(checkRunningChain(past, cut + 1, joined(log.slice(cut)))).toBe("intact");
    expect(checkRunningChain(past, cut + 1, log[cut] as Uint8Array)).toBe("intact");
  }
});

test("frames that the replica has pulled in between are part of its chain", () => {
  const mixed = log.map((bytes, index) => (index % 5 === 1 ? byReplica(bytes) : byServer(bytes)));
  for (let cut = 0; cut < log.length; cut++)
    expect(checkRunningChain(pastOf(mixed.slice(0, cut)), cut + 1, joined(log.slice(cut)))).toBe("intact");
});

test.each([0, 3, 7, 9, 15, 17, 23, 24, 1000, 4119])("byte %i of a frame was changed on the way", (at) => {
  for (const spoilt of [4, 5, 6]) {
    const pushed = log.slice(4, 7).map((bytes) => Uint8Array.from(bytes));
    (pushed[spoilt - 4] as Uint8Array)[at] = ((pushed[spoilt - 4] as Uint8Array)[at] as number) ^ 0x10;
    const past = pastOf(log.slice(0, 4).map(byReplica));
    expect(checkRunningChain(past, 5, joined(pushed)), `frame ${spoilt}`).toBe("broken");
  }
});

test("frames that are missing, doubled or swapped break the chain", () => {
  const past = pastOf(log.slice(0, 4).map(byReplica));
  expect(checkRunningChain(past, 5, joined(log.slice(5)))).toBe("broken");
  expect(checkRunningChain(past, 5, joined(log.slice(3)))).toBe("broken");
  expect(checkRunningChain(past, 5, joined([...log.slice(4, 6), ...log.slice(7)]))).toBe("broken");
  expect(checkRunningChain(pastOf([]), 1, joined(log.slice(1)))).toBe("broken");
  const servers = log.slice(0, 4).map(byServer);
  expect(checkRunningChain(pastOf(servers.filter((_, index) => index !== 1)), 4, joined(log.slice(4)))).toBe(
    "broken",
  );
});

test("a log that somebody else has started over does not go on; that of a new generation does", () => {
  const frames = log.map(byReplica);
  const at = log.length + 1;
  expect(checkRunningChain(pastOf(frames), at, joined(restarted))).toBe("broken");
  expect(checkRunningChain(pastOf(frames, { starts: [0, log.length] }), at, joined(restarted))).toBe(
    "intact",
  );
  // With frames of the generation that never came.
  expect(checkRunningChain(pastOf(frames, { starts: [0, log.length] }), at, restarted[1] as Uint8Array)).toBe(
    "broken",
  );
});

test("the replica may stay in a generation whose end was offered", () => {
  const past = pastOf(log.slice(0, 6).map(byReplica), { starts: [0, 3, 6] });
  expect(checkRunningChain(past, 7, joined(log.slice(6)))).toBe("intact");
});

test("in a log that replicas share, each is found by its salts", () => {
  const ann = sealed(log, { salt1: 1, salt2: 2 });
  const bob = sealed(log, { salt1: 3, salt2: 4, restarts: 7 });
  const shared = log.map((_, index) => byReplica((index % 3 === 0 ? ann : bob)[index] as Uint8Array));
  for (let cut = 0; cut < log.length; cut++) {
    const past = pastOf(shared.slice(0, cut), { isShared: true });
    for (const replica of [ann, bob]) {
      expect(checkRunningChain(past, cut + 1, joined(replica.slice(cut)))).toBe("intact");
      const gap = joined(replica.slice(cut + 1));
      if (gap.length > 0) expect(checkRunningChain(past, cut + 1, gap)).toBe("broken");
    }
  }
  // One that began when the others had been there for a while.
  const late = sealed(log.slice(5), { salt1: 5, salt2: 6 });
  const past = pastOf(shared.slice(0, 8), { isShared: true, starts: [0, 5] });
  expect(checkRunningChain(past, 9, joined(late.slice(3)))).toBe("intact");
});

test("checksums may be those of a machine of the other byte order", () => {
  const frames = sealed(log, { salt1: 0x01020304, salt2: 0xf1f2f3f4, restarts: 3, bigEndian: true });
  for (const cut of [0, 1, 5])
    expect(
      checkRunningChain(pastOf(frames.slice(0, cut).map(byServer)), cut + 1, joined(frames.slice(cut))),
    ).toBe("intact");
  expect(checkRunningChain(pastOf([]), 1, joined(frames.slice(1)))).toBe("broken");
});

test("a header with a number of restarts that cannot be is none", () => {
  const frames = sealed(log, { salt1: 1, salt2: 2, restarts: 2 ** 20 });
  expect(checkRunningChain(pastOf([]), 1, joined(frames))).toBe("broken");
});

test("frames without checksums, or behind such frames of the replica's, prove nothing", () => {
  const bare = log.map((bytes) => Uint8Array.from(bytes).fill(0, 8, 24));
  expect(checkRunningChain(pastOf([]), 1, joined(bare))).toBe("unknown");
  expect(checkRunningChain(pastOf([]), 1, new Uint8Array())).toBe("unknown");
  const past = pastOf(bare.slice(0, 3).map(byReplica));
  expect(checkRunningChain(past, 4, joined(restarted))).toBe("unknown");
  expect(checkRunningChain(past, 4, joined(log.slice(3)))).toBe("intact");
});

test("it looks back over 4 096 frames, and no further", () => {
  const many = Array.from({ length: 4098 }, (_, index) => log[index % log.length] as Uint8Array);
  const frames = sealed(many, { salt1: 1, salt2: 2 });
  const server = frames.map(byServer);
  expect(checkRunningChain(pastOf(server), 4097, frames[4096] as Uint8Array)).toBe("intact");
  expect(checkRunningChain(pastOf(server), 4098, frames[4097] as Uint8Array)).toBe("unknown");
});

test("the bytes of a push may lie anywhere in memory", () => {
  const body = joined(log);
  for (const offset of [1, 2, 3]) {
    const moved = new Uint8Array(body.length + offset);
    moved.set(body, offset);
    expect(checkRunningChain(pastOf([]), 1, moved.subarray(offset))).toBe("intact");
  }
});
