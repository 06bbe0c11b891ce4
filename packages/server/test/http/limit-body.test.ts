import { describe, expect, test } from "vitest";
import { fromWebRequest } from "../../src/http/from-web-request.js";
import type { HttpRequest } from "../../src/http/http-request.js";
import { limitBody } from "../../src/http/limit-body.js";
import { readBody } from "../../src/http/read-body.js";
import { RequestError } from "../../src/http/request-error.js";
import { ManualClock } from "../support/manual-clock.js";

/** A body whose pieces come when the test says so. */
class Source {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly body: ReadableStream<Uint8Array>;
  pulls = 0;
  isCancelled = false;

  constructor(cancel: () => void | Promise<void> = () => {}) {
    let made: ReadableStreamDefaultController<Uint8Array> | undefined;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          made = controller;
        },
        pull: () => {
          this.pulls++;
        },
        cancel: () => {
          this.isCancelled = true;
          return cancel();
        },
      },
      { highWaterMark: 0 },
    );
    this.controller = made as unknown as ReadableStreamDefaultController<Uint8Array>;
  }

  send(length: number): void {
    this.controller.enqueue(new Uint8Array(length).fill(7));
  }

  request(headers: Record<string, string> = {}, signal?: AbortSignal): HttpRequest {
    const init = {
      method: "POST",
      headers,
      body: this.body,
      duplex: "half",
      signal: signal ?? null,
    } as const;
    return fromWebRequest(new Request("http://localhost/", init));
  }
}

function setUp(options: { maxBytes?: number; stallTimeoutMs?: number } = {}) {
  const clock = new ManualClock();
  const limits = { maxBytes: 10_000, stallTimeoutMs: 1_000, clock, ...options };
  return { clock, limits };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function refusal(read: Promise<unknown>): Promise<RequestError> {
  const error: unknown = await read.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RequestError);
  return error as RequestError;
}

describe("a body", () => {
  test.each(["", "text", "x".repeat(10_000)])("is read (%#)", async (text) => {
    const { limits, clock } = setUp();
    const request = fromWebRequest(new Request("http://localhost/", { method: "POST", body: text }));
    const body = await readBody(request, limits);
    expect(Buffer.from(body).toString()).toBe(text);
    expect(clock.timerCount).toBe(0);
  });

  test("that is not there is empty", async () => {
    expect(await readBody(fromWebRequest(new Request("http://localhost/")), setUp().limits)).toHaveLength(0);
  });

  test("in pieces is put together", async () => {
    const source = new Source();
    const read = readBody(source.request(), setUp().limits);
    for (const length of [1, 0, 500, 2]) source.send(length);
    source.controller.close();
    expect(await read).toEqual(Buffer.alloc(503, 7));
  });

  test("is handed on as it comes, and no faster than it is taken", async () => {
    const source = new Source();
    const pieces = limitBody(source.request(), setUp().limits);
    const first = pieces.next();
    await settle();
    source.send(3);
    expect(await first).toEqual({ done: false, value: new Uint8Array([7, 7, 7]) });
    await settle();
    expect(source.pulls).toBe(1);
    await pieces.return();
    expect(source.isCancelled).toBe(true);
  });
});

describe("a body that is too long", () => {
  test.each(["10001", "1e9", "99999999999999999999"])(
    "and says so (%s) is not read at all",
    async (length) => {
      const source = new Source();
      const request = source.request({ "content-length": length });
      const { status, message } = await refusal(readBody(request, setUp().limits));
      expect([status, message]).toEqual([413, "the request body is longer than 10000 bytes"]);
      expect(() => limitBody(request, setUp().limits)).toThrow(RequestError);
      expect([source.pulls, source.body.locked]).toEqual([0, false]);
    },
  );

  test.each([undefined, "1", "-5", "nonsense"])(
    "is given up while it is read (%s announced)",
    async (length) => {
      const { limits, clock } = setUp();
      const source = new Source();
      const read = readBody(source.request(length === undefined ? {} : { "content-length": length }), limits);
      source.send(10_000);
      await settle();
      expect(source.isCancelled).toBe(false);
      source.send(1);
      expect((await refusal(read)).status).toBe(413);
      expect(source.isCancelled).toBe(true);
      expect(clock.timerCount).toBe(0);
    },
  );

  test("is refused even if its source cannot be cancelled", async () => {
    for (const cancel of [() => new Promise<void>(() => {}), () => Promise.reject(new Error("no"))]) {
      const source = new Source(cancel);
      const read = readBody(source.request(), setUp().limits);
      source.send(10_001);
      expect((await refusal(read)).status).toBe(413);
    }
  });
});

describe("a body that is too slow", () => {
  test("is given up when nothing comes", async () => {
    const { limits, clock } = setUp();
    const source = new Source();
    const read = readBody(source.request(), limits);
    clock.advance(999);
    source.send(2_000);
    await settle();
    clock.advance(999);
    await settle();
    expect(source.isCancelled).toBe(false);
    clock.advance(1);
    const { status, message } = await refusal(read);
    expect([status, message]).toEqual([408, "the request body did not go on for 1000 ms"]);
    expect(source.isCancelled).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  test("is given up when it comes byte by byte", async () => {
    const { limits, clock } = setUp();
    const source = new Source();
    const read = refusal(readBody(source.request(), limits));
    for (let byte = 0; byte < 10; byte++) {
      clock.advance(99);
      source.send(1);
      await settle();
    }
    expect(source.isCancelled).toBe(false);
    clock.advance(10);
    expect((await read).status).toBe(408);
  });

  test("has all the time there is where there is no limit", async () => {
    const { limits, clock } = setUp({ stallTimeoutMs: 0 });
    const source = new Source();
    const read = readBody(source.request(), limits);
    clock.advance(10_000_000);
    source.send(1);
    await settle();
    clock.advance(10_000_000);
    source.controller.close();
    expect(await read).toHaveLength(1);
  });

  test("is not, while its reader is", async () => {
    const { limits, clock } = setUp();
    const source = new Source();
    const pieces = limitBody(source.request(), limits);
    for (let piece = 0; piece < 3; piece++) {
      source.send(1);
      expect((await pieces.next()).done).toBe(false);
      clock.advance(100_000);
    }
    source.controller.close();
    expect((await pieces.next()).done).toBe(true);
    expect(clock.timerCount).toBe(0);
  });
});

describe("a client that goes away", () => {
  test("ends the reading", async () => {
    const { limits, clock } = setUp();
    const source = new Source();
    const abort = new AbortController();
    const read = readBody(source.request({}, abort.signal), limits);
    source.send(5);
    await settle();
    abort.abort(new Error("gone"));
    const { status, cause } = await refusal(read);
    expect([status, (cause as Error).message]).toEqual([400, "gone"]);
    expect(source.isCancelled).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  test("before the reading begins, too", async () => {
    const source = new Source();
    const abort = new AbortController();
    abort.abort();
    const { limits, clock } = setUp();
    expect((await refusal(readBody(source.request({}, abort.signal), limits))).status).toBe(400);
    expect([source.isCancelled, clock.timerCount]).toEqual([true, 0]);
  });

  test("is told from a body that is whole", async () => {
    const { limits, clock } = setUp();
    const source = new Source();
    const read = readBody(source.request(), limits);
    source.send(5);
    await settle();
    source.controller.error(new Error("connection reset"));
    const { status, cause } = await refusal(read);
    expect([status, (cause as Error).message]).toEqual([400, "connection reset"]);
    expect(clock.timerCount).toBe(0);
  });
});
