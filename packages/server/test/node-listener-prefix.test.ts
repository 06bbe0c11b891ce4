import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { HttpRequest } from "../src/http/http-request.js";
import type { HttpResponse } from "../src/http/http-response.js";
import { readBody } from "../src/http/read-body.js";
import { jsonResponse } from "../src/http/text-response.js";
import { toNodeListener } from "../src/node-listener.js";
import { systemClock } from "../src/server-clock.js";
import { ServerError } from "../src/server-error.js";
import type { RequestContext } from "../src/sync-server.js";

/** Says what it was asked. */
const echo = {
  async answer(request: HttpRequest, context?: RequestContext): Promise<HttpResponse> {
    const { pathname, search } = request.url;
    const limits = { maxBytes: 1_000, stallTimeoutMs: 0, clock: systemClock };
    const body = Buffer.from(await readBody(request, limits)).toString();
    return jsonResponse(200, JSON.stringify({ path: pathname + search, body, from: context?.remoteAddress }));
  },
};

async function listen(listener: RequestListener): Promise<{ url: string; port: number }> {
  const http = createServer(listener);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

test.each([
  ["/sync", "/"],
  ["/sync/", "/"],
  ["/sync?a=1", "/?a=1"],
  ["/sync/v2/pipeline", "/v2/pipeline"],
  ["/sync/v2/pipeline?a=/b", "/v2/pipeline?a=/b"],
  ["/sync/sync/v2", "/sync/v2"],
  ["/sync//v2", "//v2"],
])("%s is %s below the prefix", async (target, path) => {
  const { url } = await listen(toNodeListener(echo, { prefix: "/sync" }));
  expect(await (await fetch(url + target)).json()).toMatchObject({ path });
});

test.each(["/", "/synchronous", "/synch/v2", "/SYNC/v2", "/v2/pipeline", "/app/sync/v2"])(
  "%s is not below the prefix",
  async (target) => {
    const listener = toNodeListener(echo, { prefix: "/sync" });
    const alone = await listen(listener);
    expect((await fetch(alone.url + target)).status).toBe(404);
    const middleware = await listen((request, response) => {
      void listener(request, response, () => response.end(`the app's ${request.url}`));
    });
    expect(await (await fetch(middleware.url + target)).text()).toBe(`the app's ${target}`);
  },
);

test("a whole URL as the target loses the prefix, too, and others see the request as it came", async () => {
  const listener = toNodeListener(echo, { prefix: "/sync" });
  const seen: (string | undefined)[] = [];
  const { port } = await listen((request, response) => {
    const answered = listener(request, response);
    seen.push(request.url);
    void answered;
  });
  const socket = connect(port, "127.0.0.1");
  socket.end("GET http://app.example/sync/v2?a HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n");
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toContain('"path":"/v2?a"');
  expect(seen).toEqual(["http://app.example/sync/v2?a"]);
});

test("the server is told who asks", async () => {
  const direct = await listen(toNodeListener(echo));
  expect(await (await fetch(direct.url)).json()).toMatchObject({ from: "127.0.0.1" });
  const proxied = await listen(
    toNodeListener(echo, { remoteAddress: (request) => String(request.headers["x-real-ip"]) }),
  );
  const headers = { "x-real-ip": "192.0.2.7" };
  expect(await (await fetch(proxied.url, { headers })).json()).toMatchObject({ from: "192.0.2.7" });
});

test("a body that somebody else has read is an error that says what to do", async () => {
  const listener = toNodeListener(echo);
  const { url } = await listen((request, response) => {
    request.on("data", () => {});
    request.on("end", () => void listener(request, response));
  });
  const response = await fetch(url, { method: "POST", body: "{}" });
  expect(response.status).toBe(500);
  expect(await response.text()).toContain("mount the sync server before");
  const whole = await listen(toNodeListener(echo));
  expect(await (await fetch(whole.url, { method: "POST", body: "text" })).json()).toMatchObject({
    body: "text",
  });
});

test.each(["sync", "/sync/", "/", "/a//b", "/a?b", "/a b"])("the prefix %j is refused", (prefix) => {
  expect(() => toNodeListener(echo, { prefix })).toThrow(ServerError);
});
