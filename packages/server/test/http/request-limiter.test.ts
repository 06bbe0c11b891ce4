import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../../src/http/request-error.js";
import { type RequestKey, RequestLimiter, type RequestSlot } from "../../src/http/request-limiter.js";

const NONE = { maxRequestsPerDatabase: 0, maxRequestsPerClient: 0, maxWaiters: 0 };
const key = (database: string | undefined, client: string | undefined): RequestKey => ({ database, client });

function refused(run: () => unknown): boolean {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({
      status: 429,
      code: "TOO_MANY_REQUESTS",
      headers: { "retry-after": "1" },
    });
    return true;
  }
  return false;
}

describe("requests", () => {
  test("to one database are limited, those to others go on", () => {
    const limiter = new RequestLimiter({ ...NONE, maxRequestsPerDatabase: 2 });
    const first = limiter.enter(key("a", "x"));
    limiter.enter(key("a", "y"));
    expect(refused(() => limiter.enter(key("a", "z")))).toBe(true);
    limiter.enter(key("b", "z"));
    limiter.enter(key(undefined, "z"));
    first.leave();
    limiter.enter(key("a", "z"));
    expect(limiter.size).toBe(4);
  });

  test("of one client are limited over all databases, those of others go on", () => {
    const limiter = new RequestLimiter({ ...NONE, maxRequestsPerClient: 2 });
    limiter.enter(key("a", "x"));
    const second = limiter.enter(key("b", "x"));
    expect(refused(() => limiter.enter(key("c", "x")))).toBe(true);
    limiter.enter(key("c", "y"));
    second.leave();
    limiter.enter(key("c", "x"));
  });

  test("of nobody in particular have no limit per client", () => {
    const limiter = new RequestLimiter({ ...NONE, maxRequestsPerClient: 1 });
    for (let index = 0; index < 10; index++) limiter.enter(key("a", undefined));
    expect(limiter.size).toBe(10);
  });

  test("that are refused count for nothing", () => {
    const limiter = new RequestLimiter({ ...NONE, maxRequestsPerDatabase: 1, maxRequestsPerClient: 1 });
    const slot = limiter.enter(key("a", "x"));
    for (let index = 0; index < 10; index++) {
      expect(refused(() => limiter.enter(key("a", "y")))).toBe(true);
      expect(refused(() => limiter.enter(key("b", "x")))).toBe(true);
    }
    limiter.enter(key("b", "y")).leave();
    slot.leave();
    expect([limiter.size, limiter.keys]).toEqual([0, 0]);
  });

  test("leave once", () => {
    const limiter = new RequestLimiter({ ...NONE, maxRequestsPerDatabase: 1 });
    const first = limiter.enter(key("a", "x"));
    first.leave();
    limiter.enter(key("a", "x"));
    first.leave();
    first.park();
    first.unpark();
    first.leave();
    expect(refused(() => limiter.enter(key("a", "x")))).toBe(true);
    expect([limiter.size, limiter.parked]).toEqual([1, 0]);
  });
});

describe("a parked request", () => {
  test("counts as a waiter of its database, and for nothing else", () => {
    const limiter = new RequestLimiter({ maxRequestsPerDatabase: 1, maxRequestsPerClient: 1, maxWaiters: 2 });
    for (let index = 0; index < 2; index++) limiter.enter(key("a", "x")).park();
    expect([limiter.size, limiter.parked]).toEqual([2, 2]);
    const third = limiter.enter(key("a", "x"));
    expect(refused(() => third.park())).toBe(true);
    expect(refused(() => limiter.enter(key("a", "y")))).toBe(true);
    limiter.enter(key("b", "y")).park();
    expect([limiter.size, limiter.parked]).toEqual([4, 3]);
    third.leave();
    expect([limiter.size, limiter.parked]).toEqual([3, 3]);
  });

  test("goes on whatever the counts are, and others are refused until they are right again", () => {
    const limiter = new RequestLimiter({ ...NONE, maxRequestsPerDatabase: 2 });
    const slots = Array.from({ length: 10 }, () => {
      const slot = limiter.enter(key("a", "x"));
      slot.park();
      return slot;
    });
    for (const slot of slots) slot.unpark();
    expect([limiter.size, limiter.parked]).toEqual([10, 0]);
    for (const slot of slots.slice(0, 9)) {
      expect(refused(() => limiter.enter(key("a", "x")))).toBe(limiter.size >= 2);
      slot.leave();
    }
    limiter.enter(key("a", "x"));
  });

  test("may leave, and parking twice is parking", () => {
    const limiter = new RequestLimiter({ ...NONE, maxWaiters: 1 });
    const slot = limiter.enter(key("a", "x"));
    slot.unpark();
    slot.park();
    slot.park();
    expect(limiter.parked).toBe(1);
    slot.leave();
    slot.leave();
    expect([limiter.size, limiter.parked, limiter.keys]).toEqual([0, 0, 0]);
  });
});

test("counts are right after any course of things, and nothing is kept", () => {
  const step = fc.record({
    action: fc.constantFrom("enter", "park", "unpark", "leave"),
    slot: fc.nat(20),
    database: fc.constantFrom("a", "b", undefined),
    client: fc.constantFrom("x", "y", undefined),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const limiter = new RequestLimiter({
        maxRequestsPerDatabase: 3,
        maxRequestsPerClient: 4,
        maxWaiters: 2,
      });
      const slots: { slot: RequestSlot; state: string }[] = [];
      for (const { action, slot: at, database, client } of steps) {
        if (action === "enter") {
          refused(() => slots.push({ slot: limiter.enter({ database, client }), state: "serving" }));
        } else {
          const entry = slots[at];
          if (entry === undefined) continue;
          const wasRefused = refused(() => entry.slot[action as "park" | "unpark" | "leave"]());
          if (wasRefused || entry.state === "left") continue;
          entry.state = { park: "parked", unpark: "serving", leave: "left" }[action] as string;
        }
        expect(limiter.size).toBe(slots.filter(({ state }) => state !== "left").length);
        expect(limiter.parked).toBe(slots.filter(({ state }) => state === "parked").length);
      }
      for (const { slot } of slots) slot.leave();
      expect([limiter.size, limiter.parked, limiter.keys]).toEqual([0, 0, 0]);
    }),
  );
});
