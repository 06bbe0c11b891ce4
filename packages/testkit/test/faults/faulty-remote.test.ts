import type { ProtocolIo, PullHandle, RemoteBatch } from "@tributary/core";
import { expect, test } from "vitest";
import {
  createFaultyRemote,
  createRandom,
  createVirtualClock,
  type FaultyRemote,
  type RemoteFault,
  randomFaults,
} from "../../src/index.js";

const BATCH: RemoteBatch = { steps: [], repeatable: false };

/** A remote of five pages that counts batches. */
function countingRemote(): { remote: ProtocolIo; batches: () => number } {
  let batches = 0;
  let left = 0;
  const remote: ProtocolIo = {
    startPull: () => {
      left = 5;
      return {
        pull: 1 as PullHandle,
        header: { revision: "1", databaseSize: 5, endpoint: "counting:" },
      };
    },
    receivePages: () => {
      if (left === 0) return undefined;
      const count = Math.min(left, 2);
      left -= count;
      return { pageIds: new Uint32Array(count), bytes: new Uint8Array(count * 4096) };
    },
    endPull: () => {},
    runRemoteBatch: () => {
      batches++;
      return [];
    },
  };
  return { remote, batches: () => batches };
}

function faultyOnce(fault: RemoteFault): { faulty: FaultyRemote; batches: () => number; now: () => number } {
  const { remote, batches } = countingRemote();
  const clock = createVirtualClock(createRandom(1), 0);
  const faulty = createFaultyRemote(remote, ({ number }) => (number === 1 ? fault : undefined), clock);
  return { faulty, batches, now: clock.now };
}

test.each([
  [{ type: "request-lost" }, 0, "unreachable"],
  [{ type: "answer-lost" }, 1, "unreachable"],
  [{ type: "late", afterCalls: 2 }, 0, "timeout"],
  [{ type: "duplicate" }, 2, undefined],
  [{ type: "delay", milliseconds: 500 }, 1, undefined],
] as const)("a batch with the fault %o is carried out %i times", async (fault, times, code) => {
  const { faulty, batches, now } = faultyOnce(fault);
  const outcome = await Promise.resolve(faulty.runRemoteBatch(BATCH)).catch((error: unknown) => error);
  expect(batches()).toBe(times);
  if (code === undefined) expect(outcome).toEqual([]);
  else expect(outcome).toMatchObject({ code, blame: "network" });
  expect(now()).toBe(fault.type === "delay" ? 500 : 0);
});

test("a late batch arrives before a later call, or when it is told to", async () => {
  const { faulty, batches } = faultyOnce({ type: "late", afterCalls: 2 });
  await Promise.resolve(faulty.runRemoteBatch(BATCH)).catch(() => {});
  await faulty.runRemoteBatch(BATCH);
  expect([batches(), faulty.late]).toEqual([1, 1]);
  await faulty.runRemoteBatch(BATCH);
  expect([batches(), faulty.late]).toEqual([3, 0]);
  const other = faultyOnce({ type: "late", afterCalls: 2 });
  await Promise.resolve(other.faulty.runRemoteBatch(BATCH)).catch(() => {});
  await other.faulty.deliverLate();
  expect([other.batches(), other.faulty.late]).toEqual([1, 0]);
});

test("a pull breaks off after that many pages, and not at its end as if it were whole", async () => {
  const { faulty } = faultyOnce({ type: "cut", afterPages: 3 });
  const { pull } = await faulty.startPull({ longPollTimeoutMs: 0 });
  expect((await faulty.receivePages(pull))?.pageIds).toHaveLength(2);
  const second = await faulty.receivePages(pull);
  expect([second?.pageIds.length, second?.bytes.length]).toEqual([1, 4096]);
  await expect(faulty.receivePages(pull)).rejects.toMatchObject({ code: "unreachable" });
  await faulty.endPull(pull);
});

test("faults from a seed are always the same, and of all kinds", async () => {
  const kinds = (seed: number): unknown[] => {
    const plan = randomFaults(createRandom(seed), 0.5);
    return Array.from({ length: 200 }, (_, index) =>
      plan({ number: index + 1, method: index % 2 === 0 ? "startPull" : "runRemoteBatch" }),
    );
  };
  expect(kinds(3)).toEqual(kinds(3));
  const types = new Set(kinds(3).map((fault) => (fault as RemoteFault | undefined)?.type));
  expect(types.size).toBe(7);
});
