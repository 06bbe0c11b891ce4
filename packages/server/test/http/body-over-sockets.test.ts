import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { errorResponse } from "../../src/http/error-response.js";
import { readBody } from "../../src/http/read-body.js";
import type { RequestError } from "../../src/http/request-error.js";
import { textResponse } from "../../src/http/text-response.js";
import { toNodeListener } from "../../src/node-listener.js";
import type { SyncServer } from "../../src/sync-server.js";
import { ManualClock } from "../support/manual-clock.js";

/** Reads bodies of at most 100 000 bytes, and answers with their length. */
async function listen() {
  const clock = new ManualClock();
  const limits = { maxBytes: 100_000, stallTimeoutMs: 1_000, clock };
  const failures: RequestError[] = [];
  const server = {
    answer: (incoming) =>
      readBody(incoming, limits).then(
        (body) => textResponse(200, String(body.length)),
        (error: RequestError) => {
          failures.push(error);
          http.emit("failure");
          return errorResponse(error);
        },
      ),
  } satisfies Pick<SyncServer, "answer">;
  const listener = toNodeListener(server);
  const http = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const begun = once(http, "request");
  const { port } = http.address() as AddressInfo;
  const upload = request({ port, host: "127.0.0.1", method: "POST" });
  return { clock, http, upload, failures, begun };
}

async function answerOf(upload: ReturnType<typeof request>): Promise<[number | undefined, string]> {
  // After its answer the server may cut the connection while the rest of the body is on its way.
  upload.on("error", () => {});
  const [incoming] = (await once(upload, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of incoming) text += String(chunk);
  return [incoming.statusCode, text];
}

test("a body comes over a connection", async () => {
  const { upload } = await listen();
  const answer = answerOf(upload);
  for (let piece = 0; piece < 100; piece++) upload.write(Buffer.alloc(1_000));
  upload.end();
  expect(await answer).toEqual([200, "100000"]);
});

test("one that is too long has its answer before it ends", async () => {
  const { upload } = await listen();
  const answer = answerOf(upload);
  upload.write(Buffer.alloc(100_001));
  expect(await answer).toEqual([413, "the request body is longer than 100000 bytes"]);
});

test("one that stands still has its answer", async () => {
  const { upload, clock, begun } = await listen();
  const answer = answerOf(upload);
  upload.write(Buffer.alloc(10));
  await begun;
  while (clock.timerCount === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(1_000);
  expect(await answer).toEqual([408, "the request body did not go on for 1000 ms"]);
});

test("one whose connection breaks is given up", async () => {
  const { upload, http, clock, failures, begun } = await listen();
  upload.on("error", () => {});
  upload.write(Buffer.alloc(10));
  await begun;
  const failure = once(http, "failure");
  upload.destroy();
  await failure;
  expect(failures).toMatchObject([{ status: 400 }]);
  expect(clock.timerCount).toBe(0);
});
