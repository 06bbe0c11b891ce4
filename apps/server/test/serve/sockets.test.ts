import { createClient } from "@libsql/client";
import { expect, test } from "vitest";
import WebSocket from "ws";
import { serve, TOKENS } from "../support/serve.js";

test("serves SQL over WebSocket, and does not wait for sockets when it ends", async () => {
  const server = await serve({ createOnUse: true });
  const client = createClient({ url: `${server.url.replace("http:", "ws:")}/acme`, authToken: TOKENS.write });
  await client.execute("CREATE TABLE t(a)");
  expect((await client.execute("SELECT count(*) AS n FROM t")).rows[0]?.n).toBe(0);
  // Says nothing and reads nothing: not even that it should go.
  const deaf = new WebSocket(`${server.url.replace("http:", "ws:")}/acme`, ["hrana3"]);
  await new Promise((resolve) => deaf.once("open", resolve));
  deaf.pause();
  const gone = new Promise((resolve) => deaf.once("close", resolve));
  expect(await server.server.shutdown(30_000)).toBe(true);
  deaf.resume();
  await gone;
  client.close();
});

test("longer messages than allowed close a socket", async () => {
  const server = await serve({ createOnUse: true, maxMessage: "1KiB" });
  const socket = new WebSocket(`${server.url.replace("http:", "ws:")}/acme`, ["hrana3"]);
  await new Promise((resolve) => socket.once("open", resolve));
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.send(JSON.stringify({ type: "hello", jwt: "x".repeat(2_000) }));
  expect(await closed).toBe(1009);
});
