import { SyncError } from "@tributary/core";
import { describe, expect, test } from "vitest";
import { decodeLinkMessage, encodeLinkMessage } from "../../src/link/link-messages.js";
import { FakeStreams } from "./fake-streams.js";
import { type End, LinkStage, valuesOf } from "./link-stage.js";

function codeOf(end: End): string | undefined {
  return end?.error instanceof SyncError ? end.error.code : end?.error?.message;
}

describe("two databases over a good channel", () => {
  test("both get all of the other, then what is committed, and nothing comes back", async () => {
    const stage = new LinkStage();
    stage.left.write(...valuesOf("l", 10));
    stage.right.write(...valuesOf("r", 10));
    stage.link({ delayMs: [1, 5] });
    await stage.clock.until(() => stage.isInStep() && stage.left.log.length === 20);
    stage.left.write("later");
    stage.right.write("also later");
    await stage.clock.until(() => stage.isInStep() && stage.left.log.length === 22);
    expect(new Set(stage.left.values).size).toBe(22);
    expect(stage.left.opened).toEqual([{ to: "right", encoding: "binary", excludeOrigins: ["right"] }]);
    await stage.clock.finish(stage.leftLink.flush());
    expect(stage.leftLink.position).toMatchObject({ peer: "right", acknowledged: stage.left.log.length });
  });

  test("a link goes on where the last one stood, and sends nothing twice", async () => {
    const stage = new LinkStage();
    stage.left.write(...valuesOf("l", 30));
    stage.link();
    await stage.clock.until(() => stage.isInStep());
    stage.leftLink.close();
    await stage.clock.advance(0);
    expect([stage.leftEnd, stage.rightEnd]).toEqual([{ error: undefined }, { error: undefined }]);
    stage.left.write("while it was away");
    stage.link();
    await stage.clock.until(() => stage.isInStep());
    await stage.clock.advance(0);
    // Greetings and answers both ways, one package and its ack each way: the one back is withheld.
    expect(stage.channels.sent).toBeLessThanOrEqual(8);
    expect(stage.leftLink.position.snapshots).toBe(0);
  });

  test("what is sent is what was asked for, and the peer's own is left out beside it", async () => {
    const stage = new LinkStage();
    stage.link({}, { left: { send: { localOnly: true, excludeOrigins: ["x", "y"], maxBytes: 4096 } } });
    await stage.clock.advance(0);
    expect(stage.left.opened).toEqual([
      {
        localOnly: true,
        excludeOrigins: ["x", "y", "right"],
        maxBytes: 4096,
        to: "right",
        encoding: "binary",
      },
    ]);
  });

  test.each(["left takes nothing", "right sends nothing"])("one way only: %s", async (which) => {
    const stage = new LinkStage();
    stage.left.write("l1");
    stage.right.write("r1");
    stage.link(
      {},
      which === "left takes nothing" ? { left: { receive: false } } : { right: { send: false } },
    );
    await stage.clock.until(() => stage.right.values.length === 2);
    await stage.clock.finish(stage.rightLink.flush());
    expect(stage.left.values).toEqual(["l1"]);
    expect(stage.right.opened).toEqual([]);
  });

  test("a package of more bytes than a message may have goes in pieces", async () => {
    const stage = new LinkStage();
    const large = "x".repeat(3 * 1024 * 1024);
    stage.left.write("small", large, "small too");
    let longest = 0;
    stage.link({ delayMs: [1, 1] });
    const { send } = stage.channels.left;
    stage.channels.left.send = (message) => {
      longest = Math.max(longest, message.length);
      return send.call(stage.channels.left, message);
    };
    await stage.clock.until(() => stage.right.values.length === 3);
    expect(stage.right.values[1]).toBe(large);
    expect(longest).toBeLessThan(257 * 1024);
    expect(stage.leftEnd).toBeUndefined();
  });

  test("pieces may be of any size, none of them too", async () => {
    const stage = new LinkStage();
    stage.left.write("made of many pieces");
    stage.link({ delayMs: [1, 1] });
    const { send } = stage.channels.left;
    stage.channels.left.send = (bytes) => {
      const message = decodeLinkMessage(bytes);
      if (message.type !== "package") return send.call(stage.channels.left, bytes);
      const part = (offset: number, length: number): void => {
        const isLast = offset + length >= message.bytes.length;
        const piece = message.bytes.subarray(offset, offset + length);
        send.call(stage.channels.left, encodeLinkMessage({ ...message, isLast, offset, bytes: piece }));
      };
      part(0, 0);
      for (let at = 0, length = 0; at < message.bytes.length; at += length, length = (length + 1) % 4)
        part(at, length);
      return "sent";
    };
    await stage.clock.until(() => stage.right.values.length === 1);
    expect(stage.right.values).toEqual(["made of many pieces"]);
  });

  test("one that is larger than the receiver takes ends the link at both ends", async () => {
    const stage = new LinkStage();
    stage.left.write("x".repeat(100_000));
    stage.link({}, { right: { maxPackageBytes: 50_000 } });
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect([codeOf(stage.leftEnd), codeOf(stage.rightEnd)]).toEqual(["remote-rejected", "remote-rejected"]);
    expect(stage.right.values).toEqual([]);
  });

  test("no more packages than the window are on their way, nor anything while the channel is full", async () => {
    const stage = new LinkStage();
    stage.left.perPackage = 1;
    stage.left.write(...Array.from({ length: 100 }, (_, index) => `${index}${"x".repeat(1000)}`));
    stage.link({ delayMs: [10, 10] }, { left: { window: 3 } });
    await stage.clock.until(() => stage.right.values.length === 100);
    expect(stage.channels.mostBytes).toBeLessThan(4 * 1200);

    const narrow = new LinkStage();
    narrow.left.perPackage = 1;
    narrow.left.write(...stage.left.values);
    narrow.link({ delayMs: [10, 10], highWaterBytes: 1500 }, { left: { window: 50 } });
    await narrow.clock.until(() => narrow.right.values.length === 100);
    expect(narrow.channels.mostBytes).toBeLessThan(3 * 1200);
  });
});

describe("flush", () => {
  test("resolves once all that was committed before is acknowledged, not before", async () => {
    const stage = new LinkStage();
    stage.left.write(...valuesOf("l", 50));
    stage.link({ delayMs: [10, 10] });
    let isFlushed = false;
    void stage.leftLink.flush().then(() => {
      isFlushed = true;
      expect(stage.right.values).toHaveLength(50);
    });
    await stage.clock.until(() => stage.right.values.length === 50);
    expect(isFlushed).toBe(false);
    await stage.clock.until(() => isFlushed);
    await stage.clock.finish(stage.leftLink.flush());
  });

  test("comes to an end although more is written all the time", async () => {
    const stage = new LinkStage();
    stage.link({ delayMs: [10, 10] });
    let isFlushed = false;
    stage.left.write("first");
    void stage.leftLink.flush().then(() => {
      isFlushed = true;
    });
    let count = 0;
    const write = (): void => {
      stage.left.write(`more ${count++}`);
      if (!isFlushed) stage.clock.startTimer(1, write);
    };
    write();
    await stage.clock.until(() => isFlushed, 1000);
  });

  test("rejects when the link ends first, and on a link that has ended", async () => {
    const stage = new LinkStage();
    stage.link({ delayMs: [10, 10] });
    stage.left.write("l1");
    const flushed = expect(stage.leftLink.flush()).rejects.toMatchObject({ code: "unreachable" });
    await stage.clock.advance(5);
    stage.channels.cut();
    await stage.clock.advance(0);
    await flushed;
    await expect(stage.leftLink.flush()).rejects.toMatchObject({ code: "invalid-state" });
  });
});

describe("a busy database", () => {
  test("a package that meets an open transaction waits, however long, and is not sent again", async () => {
    const stage = new LinkStage();
    stage.link({ delayMs: [1, 1] });
    await stage.clock.advance(100);
    stage.right.isBusy = true;
    stage.left.write(...valuesOf("l", 9));
    const before = stage.channels.sent;
    await stage.clock.advance(300_000);
    expect(stage.right.values).toEqual([]);
    expect([stage.leftEnd, stage.rightEnd]).toEqual([undefined, undefined]);
    // Three packages, and no more than a word a second that it takes its time.
    expect(stage.channels.sent - before).toBeLessThan(320);
    stage.right.isBusy = false;
    await stage.clock.until(() => stage.isInStep(), 2000);
  });

  test("one that is to be read, or told of an acknowledgement, is tried again", async () => {
    const stage = new LinkStage();
    stage.left.isBusy = true;
    stage.left.write(...valuesOf("l", 9));
    stage.link({ delayMs: [1, 1] });
    await stage.clock.advance(100);
    expect(stage.right.values).toEqual([]);
    stage.left.isBusy = false;
    await stage.clock.until(() => stage.left.acknowledged.get("right") === 9, 2000);
    stage.left.write("l10");
    await stage.clock.advance(0.5);
    stage.left.isBusy = true;
    await stage.clock.advance(60_000);
    expect(stage.left.acknowledged.get("right")).toBe(9);
    stage.left.isBusy = false;
    await stage.clock.until(() => stage.left.acknowledged.get("right") === 10, 2000);
    expect(stage.isInStep()).toBe(true);
  });
});

describe("a receiver that lacks what is not kept any more", () => {
  test("gets a snapshot, and its end is told", async () => {
    const stage = new LinkStage();
    stage.left.write(...valuesOf("l", 10));
    stage.link();
    await stage.clock.until(() => stage.isInStep());
    expect(stage.leftLink.position.snapshots).toBe(1);
    stage.leftLink.close();
    stage.left.write(...valuesOf("m", 20));
    stage.left.trimmedUpTo = 25;
    stage.link();
    await stage.clock.until(() => stage.isInStep());
    expect(stage.leftLink.position).toMatchObject({ snapshots: 1 });
    await stage.clock.finish(stage.leftLink.flush());
  });

  test("or both ends are told that it is behind", async () => {
    const stage = new LinkStage();
    stage.right.sources.set("left", { epoch: 1, cursor: 3 });
    stage.left.write(...valuesOf("l", 10));
    stage.left.trimmedUpTo = 5;
    stage.link({}, { left: { snapshotIfBehind: false } });
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect([codeOf(stage.leftEnd), codeOf(stage.rightEnd)]).toEqual(["stream-behind", "stream-behind"]);
    expect([stage.left.open, stage.left.listeners, stage.right.open, stage.right.listeners]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  test("a sender that was restored from a backup says so, and sends all rows only where it is told to", async () => {
    const stage = new LinkStage();
    stage.right.sources.set("left", { epoch: 1, cursor: 30 });
    stage.left.write(...valuesOf("l", 10));
    stage.link();
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect([codeOf(stage.leftEnd), codeOf(stage.rightEnd)]).toEqual(["stream-restarted", "stream-restarted"]);
    stage.link({}, { left: { snapshotIfRestarted: true } });
    await stage.clock.until(() => stage.isInStep());
  });
});

describe("what ends a link", () => {
  test.each([
    ["schema-mismatch", new SyncError("schema-mismatch", "no such table: t"), "schema-mismatch"],
    ["a bug", new Error("secret"), "internal"],
  ])("an apply that fails by %s: told to both ends", async (_name, failure, told) => {
    const stage = new LinkStage();
    stage.right.applyFailures.push(failure);
    stage.left.write("l1");
    stage.link();
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect(stage.rightEnd).toEqual({ error: failure });
    expect(codeOf(stage.leftEnd)).toBe(told);
    expect(stage.leftEnd?.error?.message).not.toContain("secret");
  });

  test("a package that is damaged on its way is sent again, one that always is ends the link", async () => {
    const stage = new LinkStage();
    const damaged = new SyncError("damaged-package", "the checksum does not hold");
    stage.right.applyFailures.push(damaged, damaged);
    stage.left.write("l1");
    stage.link({ delayMs: [1, 1] });
    await stage.clock.until(() => stage.isInStep(), 5000);
    stage.right.applyFailures.push(damaged, damaged, damaged, damaged);
    stage.left.write("l2");
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect([codeOf(stage.leftEnd), codeOf(stage.rightEnd)]).toEqual(["damaged-package", "damaged-package"]);
  });

  test("two copies of one file, and a site that is not expected", async () => {
    const stage = new LinkStage();
    stage.link({}, { right: { streams: new FakeStreams("left") } });
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect([codeOf(stage.leftEnd), codeOf(stage.rightEnd)]).toContain("invalid-state");
    stage.link({}, { left: { peer: "somebody else" } });
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect([codeOf(stage.leftEnd), codeOf(stage.rightEnd)]).toEqual(["unauthorized", "unauthorized"]);
  });

  test("a listener that throws", async () => {
    const stage = new LinkStage();
    const onProgress = (): void => {
      throw new Error("of the app");
    };
    stage.link({}, { left: { onProgress } });
    await stage.clock.until(() => stage.leftEnd !== undefined && stage.rightEnd !== undefined);
    expect(codeOf(stage.leftEnd)).toBe("of the app");
  });

  test("an end that never answers, or no more", async () => {
    const stage = new LinkStage();
    stage.link({ drop: 1 });
    await stage.clock.until(() => stage.leftEnd !== undefined, 120_000);
    expect(codeOf(stage.leftEnd)).toBe("timeout");

    const later = new LinkStage();
    later.link();
    await later.clock.advance(10);
    later.channels.right.send = () => "sent";
    later.left.write("l1");
    await later.clock.until(() => later.leftEnd !== undefined, 600_000);
    expect(codeOf(later.leftEnd)).toBe("timeout");
  });

  test("an end that is silent is found out by keep-alive, one that only has nothing to say is not", async () => {
    const stage = new LinkStage();
    stage.link({ delayMs: [1, 1] }, { left: { keepAliveMs: 1000 } });
    await stage.clock.advance(60_000);
    expect(stage.leftEnd).toBeUndefined();
    stage.channels.right.send = () => "sent";
    await stage.clock.advance(4000);
    expect(codeOf(stage.leftEnd)).toBe("unreachable");
  });

  test("a database that is closed ends its links: there with an error, at the other end without one", async () => {
    const stage = new LinkStage();
    stage.link({ delayMs: [1, 1] });
    await stage.clock.advance(10);
    stage.left.write("l1");
    stage.left.close();
    await stage.clock.advance(10);
    expect(codeOf(stage.leftEnd)).toBe("invalid-state");
    expect(stage.rightEnd).toEqual({ error: undefined });
    expect([stage.left.listeners, stage.right.listeners]).toEqual([0, 0]);
    expect([stage.left.open, stage.right.open]).toEqual([0, 0]);
  });

  test("options that make no sense are refused", () => {
    const stage = new LinkStage();
    for (const bad of [{ window: 0 }, { ackTimeoutMs: Number.NaN }, { keepAliveMs: -1 }, { window: 1.5 }]) {
      expect(() => stage.link({}, { left: bad })).toThrow(
        expect.objectContaining({ code: "invalid-option" }),
      );
    }
  });
});
