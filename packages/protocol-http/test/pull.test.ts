import type { SyncErrorCode } from "@tributary/core";
import { decodePageSelector, decodePullUpdatesRequest, encodePageMessage } from "@tributary/wire";
import { describe, expect, it } from "vitest";
import { failure, PULL, pullAll, setUpProtocol, TRANSPORTS } from "./test-protocol.js";
import {
  cutAfter,
  hangUp,
  header,
  PROTOBUF,
  page,
  pullBody,
  sayNothing,
  sendPull,
  sendStatus,
} from "./test-remote.js";

describe.each(TRANSPORTS)("pull with %s", (_name, transport) => {
  const context = setUpProtocol(transport);

  it("brings the pages, and says what it asked for", async () => {
    context.remote.answers = [sendPull(pullBody(70_000, [0, 3, 69_999]))];
    const protocol = context.open({
      url: `${context.remote.url}/some/prefix/?tenant=7`,
      authToken: "secret-token",
      headers: { "X-Own": "1" },
    });
    const request = {
      clientRevision: "r0",
      serverRevision: "r1",
      pages: { from: 10, to: 20 },
      longPollTimeoutMs: 5,
    };
    const { pull, header } = await protocol.startPull(request);
    expect(header).toEqual({
      revision: "r1",
      databaseSize: 70_000,
      endpoint: expect.stringMatching(/\/some\/prefix\/pull-updates$/),
    });
    const batch = await protocol.receivePages(pull);
    expect(batch?.pageIds).toEqual(Uint32Array.of(0, 3, 69_999));
    expect([0, 4096, 8192].map((offset) => batch?.bytes[offset])).toEqual([0, 3, 69_999 % 256]);
    expect(await protocol.receivePages(pull)).toBeUndefined();
    await protocol.endPull(pull);
    const [seen] = context.remote.requests;
    expect(seen?.url).toBe("/some/prefix/pull-updates?tenant=7");
    expect(seen?.headers).toMatchObject({
      ...PROTOBUF,
      authorization: "Bearer secret-token",
      "x-own": "1",
      "accept-encoding": "identity",
    });
    const { pagesSelector, ...sent } = decodePullUpdatesRequest(seen?.body as Buffer);
    expect(sent).toMatchObject({
      clientRevision: "r0",
      serverRevision: "r1",
      longPollTimeoutMs: 5,
      encoding: "raw",
    });
    expect([...decodePageSelector(pagesSelector)]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(protocol.bytesSent).toBe(seen?.body.length);
    expect(protocol.bytesReceived).toBe(pullBody(70_000, [0, 3, 69_999]).length);
  });

  it("brings nothing when nothing changed", async () => {
    context.remote.answers = [sendPull(header(5))];
    expect(await pullAll(context.open())).toEqual([]);
  });

  it("brings many pages in batches of at most 1 MiB", async () => {
    const ids = Array.from({ length: 600 }, (_, id) => id);
    context.remote.answers = [sendPull(pullBody(600, ids))];
    const batches = await pullAll(context.open());
    expect(batches.map(({ pageIds }) => pageIds.length)).toEqual([256, 256, 88]);
    expect(batches.flatMap(({ pageIds }) => [...pageIds])).toEqual(ids);
  });

  it("does not read ahead: the context.remote is stopped while the pages are not asked for", async () => {
    let sent = 0;
    const pages = 20_000;
    context.remote.answers = [
      async (response) => {
        let goOn = (): void => {};
        response
          .on("error", () => {})
          .on("drain", () => goOn())
          .on("close", () => goOn());
        response.writeHead(200, PROTOBUF).write(header(pages));
        for (let id = 0; id < pages && !response.destroyed; id++) {
          sent++;
          if (!response.write(encodePageMessage(id, page(1)))) {
            await new Promise<void>((resolve) => {
              goOn = resolve;
            });
          }
        }
        response.end();
      },
    ];
    const protocol = context.open();
    const { pull } = await protocol.startPull(PULL);
    for (let before = -1; before !== sent; ) {
      before = sent;
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeLessThan(pages);
    expect(protocol.bytesReceived).toBeLessThan(4 << 20);
    await protocol.endPull(pull);
  });

  it.each<[string, Uint8Array, SyncErrorCode]>([
    ["junk", Buffer.from("junk that is no protobuf at all"), "malformed-response"],
    ["an over-long length", Buffer.from("ffffffffff0f", "hex"), "malformed-response"],
    ["nothing at all", Buffer.alloc(0), "malformed-response"],
    ["a header cut short", header(5).subarray(0, 4), "malformed-response"],
    ["zstd", header(5, { encoding: "zstd" }), "unexpected-response"],
    ["a logical log", header(5, { protocol: "mvcc-logical" }), "unexpected-response"],
    ["a page past the end", pullBody(5, [0, 5]), "invalid-page-stream"],
    ["a page with an id of more than 32 bits", pullBody(5, [2 ** 32 + 1]), "invalid-page-stream"],
    [
      "a page of another length",
      Buffer.concat([header(5), Buffer.from("0412020102", "hex")]),
      "invalid-page-stream",
    ],
    ["half a page", pullBody(5, [0, 1]).subarray(0, -7), "malformed-response"],
    [
      "a page with an over-long length",
      Buffer.concat([header(5), Buffer.from("ffff7f", "hex")]),
      "malformed-response",
    ],
  ])("refuses %s", async (_what, body, code) => {
    context.remote.answers = [sendPull(body)];
    await expect(pullAll(context.open())).rejects.toThrow(
      failure(code, { endpoint: `${context.remote.url}/pull-updates`, status: 200 }),
    );
    expect(context.remote.requests).toHaveLength(1);
  });

  it("tells a page of HTML from an answer, and shows its start", async () => {
    context.remote.answers = [
      sendStatus(
        200,
        { "content-type": "text/html; charset=utf-8" },
        "<!doctype html><title>Welcome</title>",
      ),
    ];
    await expect(pullAll(context.open())).rejects.toThrow(failure("malformed-response"));
    await expect(pullAll(context.open())).rejects.toThrow(
      "text/html in place of application/protobuf: <!doctype html>",
    );
  });

  it("takes pages without a content type, as everything in them is checked", async () => {
    context.remote.answers = [(response) => void response.writeHead(200).end(pullBody(2, [1]))];
    expect(await pullAll(context.open())).toHaveLength(1);
  });

  it("refuses a compressed answer", async () => {
    context.remote.answers = [
      (response) => void response.writeHead(200, { ...PROTOBUF, "content-encoding": "x-own" }).end("abc"),
    ];
    await expect(pullAll(context.open())).rejects.toThrow(failure("malformed-response"));
  });

  it("tries again when cut before the header", async () => {
    context.remote.answers = [hangUp, cutAfter(header(2).subarray(0, 3)), sendPull(pullBody(2, [1]))];
    expect(await pullAll(context.open())).toHaveLength(1);
    expect(context.clock.sleeps).toEqual([100, 200]);
  });

  it("is unreachable when cut within a page", async () => {
    context.remote.answers = [cutAfter(pullBody(2, [0, 1]).subarray(0, 5000))];
    await expect(pullAll(context.open())).rejects.toThrow(failure("unreachable"));
    expect(context.remote.requests).toHaveLength(1);
  });

  it("is unreachable when cut between pages", async () => {
    context.remote.answers = [cutAfter(pullBody(2, [0]))];
    await expect(pullAll(context.open())).rejects.toThrow(failure("unreachable"));
  });

  it("times out when no page comes", async () => {
    context.remote.answers = [(response) => void response.writeHead(200, PROTOBUF).write(header(2))];
    const protocol = context.open({ bodyTimeoutMs: 77 });
    const { pull } = await protocol.startPull(PULL);
    context.clock.expires = (milliseconds) => milliseconds === 77;
    await expect(protocol.receivePages(pull)).rejects.toThrow(failure("timeout"));
  });

  it("gives a long-poll its time on top", async () => {
    const seen: number[] = [];
    context.clock.expires = (milliseconds) => {
      seen.push(milliseconds);
      return milliseconds === 1500;
    };
    context.remote.answers = [sayNothing];
    const protocol = context.open({ headersTimeoutMs: 1000, retry: { attempts: 2 } });
    await expect(protocol.startPull({ clientRevision: "r", longPollTimeoutMs: 500 })).rejects.toThrow(
      failure("timeout"),
    );
    expect(seen).toEqual([1500, 1500]);
  });

  it("has ended after endPull", async () => {
    context.remote.answers = [sendPull(pullBody(2, [1]))];
    const protocol = context.open();
    const { pull } = await protocol.startPull(PULL);
    await protocol.endPull(pull);
    await protocol.endPull(pull);
    await expect(protocol.receivePages(pull)).rejects.toThrow(failure("invalid-state"));
  });
});

// fetch does not tell whether the end of a body was announced.
describe("pull with undici", () => {
  const context = setUpProtocol({});

  it("refuses pages whose end cannot be told from a cut", async () => {
    context.remote.answers = [
      (response) => {
        response.useChunkedEncodingByDefault = false;
        response.writeHead(200, { ...PROTOBUF, connection: "close" }).end(pullBody(2, [1]));
      },
    ];
    await expect(pullAll(context.open())).rejects.toThrow(failure("malformed-response"));
  });
});
