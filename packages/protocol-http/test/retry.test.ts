import type { SyncError } from "@tributary/core";
import { describe, expect, it } from "vitest";
import {
  errorOf,
  failure,
  OK,
  ONCE,
  pullAll,
  REPEATABLE,
  setUpProtocol,
  TRANSPORTS,
} from "./test-protocol.js";
import { cutAfter, hangUp, pullBody, sendJson, sendPull, sendStatus, startRemote } from "./test-remote.js";

describe.each(TRANSPORTS)("retry and authorisation with %s", (_name, transport) => {
  const context = setUpProtocol(transport);

  describe("retry", () => {
    it("tries again after 500, waiting longer each time", async () => {
      context.remote.answers = [sendStatus(500), sendStatus(502), sendPull(pullBody(2, [1]))];
      expect(await pullAll(context.open())).toHaveLength(1);
      expect(context.clock.sleeps).toEqual([100, 200]);
    });

    it("gives up after so many attempts", async () => {
      context.remote.answers = [sendStatus(500, {}, "out of order")];
      await expect(
        pullAll(context.open({ retry: { attempts: 3, minDelayMs: 1000, maxDelayMs: 1500 } })),
      ).rejects.toThrow(failure("unreachable", { status: 500 }));
      expect(context.clock.sleeps).toEqual([500, 750]);
    });

    it.each([
      ["seconds", "7", 7000],
      ["a date", "Thu, 01 Jan 2026 00:00:09 GMT", 9000],
      ["a time that is too long", "86400", 60_000],
      ["nothing to be understood", "soon", 100],
    ])("waits as Retry-After says: %s", async (_what, value, wait) => {
      context.remote.answers = [sendStatus(429, { "retry-after": value }), sendPull(pullBody(2, [1]))];
      await pullAll(context.open());
      expect(context.clock.sleeps).toEqual([wait]);
    });

    it("is unreachable where nobody listens", async () => {
      const { url } = context.remote;
      await context.remote.close();
      const protocol = context.open({ url, retry: { attempts: 2 } });
      await expect(protocol.runRemoteBatch(ONCE)).rejects.toThrow(
        failure("unreachable", { endpoint: `${url}/v2/pipeline` }),
      );
      expect(context.clock.sleeps, "nothing was sent, so even this may be tried again").toEqual([100]);
      context.remote = await startRemote();
    });

    it.each([
      ["the connection is cut", hangUp, 1],
      ["the answer is cut", cutAfter(Buffer.from('{"baton"'), { "content-type": "application/json" }), 1],
      ["500", sendStatus(500), 1],
      ["503 without Retry-After", sendStatus(503), 1],
      ["429", sendStatus(429), 2],
      ["503 with Retry-After", sendStatus(503, { "retry-after": "1" }), 2],
    ])(
      "sends a batch that must not run twice again only if it did not run: %s",
      async (_what, answer, requests) => {
        context.remote.answers = [answer, sendJson(OK)];
        const batch = Promise.resolve(context.open().runRemoteBatch(ONCE));
        const result = await batch.then(
          () => "ok",
          (error: SyncError) => error.code,
        );
        expect([result, context.remote.requests.length]).toEqual([
          requests === 2 ? "ok" : "unreachable",
          requests,
        ]);
      },
    );

    it("sends any other batch again", async () => {
      context.remote.answers = [hangUp, sendStatus(500), sendJson(OK)];
      expect(await context.open().runRemoteBatch(REPEATABLE)).toEqual([{ type: "ok", rows: [[1n]] }]);
    });
  });

  describe("authorisation", () => {
    it("asks for a fresh token after 401, once", async () => {
      context.remote.answers = [sendStatus(401), sendJson(OK)];
      const tokens = ["old", "new"];
      await context.open({ authToken: async () => tokens.shift() }).runRemoteBatch(ONCE);
      expect(context.remote.requests.map(({ headers }) => headers.authorization)).toEqual([
        "Bearer old",
        "Bearer new",
      ]);
    });

    it("is unauthorized after a second 401", async () => {
      context.remote.answers = [sendStatus(401, {}, "token sosecret123 has expired")];
      const error = await errorOf(
        context.open({ authToken: () => "sosecret123" }).runRemoteBatch(REPEATABLE),
      );
      expect(error).toEqual(failure("unauthorized", { status: 401 }));
      expect(error.message).toContain("token [secret] has expired");
      expect(context.remote.requests).toHaveLength(2);
    });

    it("does not send a token that cannot change again", async () => {
      context.remote.answers = [sendStatus(401)];
      await expect(context.open({ authToken: "fixed" }).runRemoteBatch(REPEATABLE)).rejects.toThrow(
        failure("unauthorized"),
      );
      expect(context.remote.requests).toHaveLength(1);
    });

    it("is unauthorized after 403", async () => {
      context.remote.answers = [sendStatus(403)];
      await expect(context.open({ authToken: () => "t" }).runRemoteBatch(REPEATABLE)).rejects.toThrow(
        failure("unauthorized", { status: 403 }),
      );
      expect(context.remote.requests).toHaveLength(1);
    });

    it("does not repeat a token that cannot be sent", async () => {
      const error = await errorOf(context.open({ authToken: "soséc\nret" }).runRemoteBatch(REPEATABLE));
      expect([error.code, error.message.includes("sos")]).toEqual(["invalid-option", false]);
    });
  });
});
