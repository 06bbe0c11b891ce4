import type { SyncErrorCode } from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { describe, expect, it } from "vitest";
import { TestClock } from "./test-clock.js";
import {
  errorOf,
  failure,
  OK,
  ONCE,
  PULL,
  pullAll,
  REPEATABLE,
  setUpProtocol,
  TRANSPORTS,
} from "./test-protocol.js";
import { header, PROTOBUF, sendJson, sendStatus } from "./test-remote.js";

describe.each(TRANSPORTS)("http protocol with %s", (_name, transport) => {
  const context = setUpProtocol(transport);

  describe("other answers", () => {
    it("does not follow a redirect, and says where it goes", async () => {
      context.remote.answers = [sendStatus(302, { location: "/login?next=secret" })];
      const error = await errorOf(context.open().runRemoteBatch(REPEATABLE));
      expect(error).toEqual(failure("unexpected-response", { status: 302 }));
      expect(error.message).toContain(`redirects (302) to ${context.remote.url}/login`);
      expect([error.message.includes("secret"), context.remote.requests.length]).toEqual([false, 1]);
    });

    it("is rejected by 400, and shows the start of what it says", async () => {
      context.remote.answers = [sendStatus(400, {}, `no such database ${"x".repeat(5000)}`)];
      const error = await errorOf(context.open().runRemoteBatch(REPEATABLE));
      expect(error).toEqual(failure("remote-rejected", { status: 400 }));
      expect(error.message).toContain("no such database xxx");
      expect(error.message.length).toBeLessThan(700);
    });

    it.each<[string, unknown, SyncErrorCode]>([
      ["text", "ok", "malformed-response"],
      ["half of the JSON", JSON.stringify(OK).slice(0, 60), "malformed-response"],
      ["two results", { ...OK, results: [...OK.results, ...OK.results] }, "malformed-response"],
      [
        "another result",
        { ...OK, results: [{ type: "ok", response: { type: "close" } }] },
        "malformed-response",
      ],
      [
        "an error in its place",
        { ...OK, results: [{ type: "error", error: { message: "m", code: "C" } }] },
        "remote-sql-failed",
      ],
      ["more than is read", { ...OK, padding: "x".repeat(5000) }, "unexpected-response"],
    ])("refuses to take %s for the results of a batch", async (_what, body, code) => {
      context.remote.answers = [sendJson(body)];
      await expect(context.open({ maxAnswerBytes: 4000 }).runRemoteBatch(REPEATABLE)).rejects.toThrow(
        failure(code),
      );
      expect(context.remote.requests).toHaveLength(1);
    });

    it("refuses results that do not fit the steps", async () => {
      context.remote.answers = [sendJson(OK)];
      const steps = [...REPEATABLE.steps, ...REPEATABLE.steps];
      await expect(context.open().runRemoteBatch({ steps, repeatable: true })).rejects.toThrow(
        failure("malformed-response"),
      );
    });

    it("closes the stream that a context.remote keeps", async () => {
      context.remote.answers = [sendJson({ ...OK, baton: "b1" }), sendStatus(500)];
      expect(await context.open().runRemoteBatch(ONCE)).toHaveLength(1);
      expect(context.remote.requests.map(({ body }) => JSON.parse(body.toString())).slice(1)).toEqual([
        { baton: "b1", requests: [{ type: "close" }] },
      ]);
    });
  });

  describe("abort and pause", () => {
    it("ends a request that waits for its answer", async () => {
      const controller = new AbortController();
      context.remote.answers = [() => controller.abort()];
      await expect(context.open().withSignal(controller.signal).startPull(PULL)).rejects.toThrow(
        failure("aborted"),
      );
    });

    it("ends the reading of pages", async () => {
      const controller = new AbortController();
      context.remote.answers = [(response) => void response.writeHead(200, PROTOBUF).write(header(2))];
      const io = context.open().withSignal(controller.signal);
      const { pull } = await io.startPull(PULL);
      const pages = io.receivePages(pull);
      controller.abort();
      await expect(pages).rejects.toThrow(failure("aborted"));
    });

    it("ends the wait before the next attempt", async () => {
      const controller = new AbortController();
      context.clock.onSleep = () => controller.abort();
      context.remote.answers = [sendStatus(500)];
      await expect(context.open().withSignal(controller.signal).runRemoteBatch(REPEATABLE)).rejects.toThrow(
        failure("aborted"),
      );
      expect(context.remote.requests).toHaveLength(1);
    });

    it("sends nothing when aborted before", async () => {
      context.remote.answers = [sendJson(OK)];
      await expect(context.open().withSignal(AbortSignal.abort()).runRemoteBatch(REPEATABLE)).rejects.toThrow(
        failure("aborted"),
      );
      expect(context.remote.requests).toHaveLength(0);
    });

    it("is paused while there is no URL, and goes on when there is one", async () => {
      context.remote.answers = [sendJson(OK)];
      const urls = [null, context.remote.url];
      const protocol = context.open({ url: async () => urls.shift() ?? null });
      await expect(protocol.runRemoteBatch(ONCE)).rejects.toThrow(failure("paused"));
      expect(await protocol.runRemoteBatch(ONCE)).toHaveLength(1);
    });

    it("sends nothing after close", async () => {
      const protocol = context.open();
      await protocol.close();
      await expect(protocol.startPull(PULL)).rejects.toThrow(failure("invalid-state"));
    });
  });
});

describe("options", () => {
  it.each(["", "nonsense", "/path", "ftp://host", "ws://host", "http://user:secretpass@host", "http://"])(
    "refuses the URL %s without repeating it",
    (url) => {
      const attempt = (): unknown => createHttpProtocol({ url });
      expect(attempt).toThrow(failure("invalid-option"));
      expect(attempt).not.toThrow("secretpass");
    },
  );

  it.each(["libsql://Host.example/a", "turso://host.example/a"])("takes %s for https", async (url) => {
    const seen: string[] = [];
    const protocol = createHttpProtocol({
      url,
      clock: new TestClock(),
      fetch: async (target) => {
        seen.push(String(target));
        return new Response(Buffer.from(header(0)), { headers: PROTOBUF });
      },
    });
    await pullAll(protocol);
    expect(seen).toEqual(["https://host.example/a/pull-updates"]);
  });

  it("ends a request of a fetch that heeds no signal", async () => {
    const controller = new AbortController();
    const protocol = createHttpProtocol({
      url: "http://host",
      fetch: () => new Promise(() => controller.abort()),
    });
    await expect(protocol.withSignal(controller.signal).startPull(PULL)).rejects.toThrow(failure("aborted"));
  });

  it("refuses times that are none", () => {
    expect(() => createHttpProtocol({ url: "http://host", headersTimeoutMs: -1 })).toThrow(
      failure("invalid-option"),
    );
  });
});
