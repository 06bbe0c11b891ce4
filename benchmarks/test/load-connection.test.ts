import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { startCountingProxy } from "../src/peers/counting-proxy.js";
import { LoadConnection, postRequest } from "../src/peers/load-connection.js";

/** Answers with what it was sent; tells how many connections it has seen. */
async function withEcho(
  closes: boolean,
  run: (url: string, connections: () => number) => Promise<void>,
): Promise<void> {
  let connections = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (closes) response.setHeader("connection", "close");
      response.end(Buffer.concat(parts));
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => connections);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test.each([
  ["one connection is kept for all requests", false, 1],
  ["one that the server closes is made anew", true, 3],
])("%s", async (_, closes, expected) => {
  await withEcho(closes, async (url, connections) => {
    const connection = new LoadConnection(url);
    for (const body of ["one", "two", "three"]) {
      const response = await connection.send(postRequest("/", Buffer.from(body)));
      expect(response.body.toString()).toBe(body);
    }
    connection.end();
    expect(connections()).toBe(expected);
  });
});

test("a server that is not there is told of", async () => {
  await expect(
    new LoadConnection("http://127.0.0.1:1").send(postRequest("/", new Uint8Array(0))),
  ).rejects.toThrow();
});

test("the proxy counts what goes over it both ways", async () => {
  await withEcho(false, async (url) => {
    const proxy = await startCountingProxy(url);
    const connection = new LoadConnection(proxy.url);
    const request = postRequest("/", new Uint8Array(1_000));
    const response = await connection.send(request);
    expect(response.body.length).toBe(1_000);
    expect(proxy.sent).toBe(request.length);
    expect(proxy.received).toBeGreaterThan(1_000);
    expect(proxy.received).toBeLessThan(1_500);
    connection.end();
    proxy.close();
  });
});
