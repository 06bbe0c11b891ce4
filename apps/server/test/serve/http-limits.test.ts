import { expect, test } from "vitest";
import { connectRaw } from "../support/raw-request.js";
import { runSql, serve, TOKENS } from "../support/serve.js";

test("a header that is too long is answered with 431", async () => {
  const { url } = await serve({ maxHeader: "2KiB" });
  const { socket, answer } = await connectRaw(url);
  socket.write(`GET /health HTTP/1.1\r\nHost: a\r\nX-Long: ${"x".repeat(3_000)}\r\n\r\n`);
  expect(await answer).toMatch(/^HTTP\/1\.1 431 /);
});

test("a header that does not come to its end is answered with 408", async () => {
  const { url } = await serve({ headerTimeout: "50ms" });
  const { socket, answer } = await connectRaw(url);
  socket.write("GET /health HTTP/1.1\r\nHost: a\r\n");
  expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
});

test("a body that does not come to its end is answered with 408", async () => {
  const { url } = await serve({ requestTimeout: "100ms", headerTimeout: "50ms" });
  const { socket, answer } = await connectRaw(url);
  socket.write("POST /v2/pipeline HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx");
  // Turned away before the body is there, or given up: not left open.
  expect(await answer).toMatch(/^HTTP\/1\.1 4/);
});

test("the limits of the library are options", async () => {
  const server = await serve({ maxBody: "1KiB", createOnUse: true });
  expect((await runSql(server, "acme", `SELECT '${"x".repeat(2_000)}'`)).status).toBe(413);
});

test.each([
  [false, "10.0.0.1, 10.0.0.2", "127.0.0.1"],
  [true, "10.0.0.1, 10.0.0.2", "10.0.0.2"],
  [true, "10.0.0.1, fe80::7", "fe80::7"],
  [true, "10.0.0.1, unknown", "127.0.0.1"],
  [true, "", "127.0.0.1"],
])("with trustProxy %j and X-Forwarded-For %j the client is %s", async (trustProxy, header, client) => {
  const { url, log } = await serve(trustProxy ? { trustProxy } : {});
  const headers = { authorization: `Bearer ${TOKENS.write}`, "x-forwarded-for": header };
  await fetch(`${url}/acme/v2/pipeline`, { method: "POST", headers });
  expect(log.find(({ msg }) => msg === "request")).toMatchObject({ client });
});
