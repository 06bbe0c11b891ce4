import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import type { HttpRequest } from "../src/http/http-request.js";
import type { HttpResponse } from "../src/http/http-response.js";
import { PulledBody } from "../src/http/pulled-body.js";
import { readBody } from "../src/http/read-body.js";
import { sendResponse } from "../src/http/send-response.js";
import { textResponse } from "../src/http/text-response.js";
import { toNodeListener } from "../src/node-listener.js";
import { systemClock } from "../src/server-clock.js";
import type { SyncServerOptions } from "../src/sync-server-options.js";
import { listen } from "./support/listen.js";
import { parseAnswer, pullRequest } from "./support/pull-client.js";
import { settle } from "./support/settle.js";

/** A connection to a server of the library, and what comes on it. */
async function connectTo(options: Partial<SyncServerOptions> = {}) {
  const { server, url } = await listen(options);
  return { server, url, ...open(Number(new URL(url).port)) };
}

/** A connection to a listener that answers as `answer` does, in a host that does something before. */
async function connectToAnswer(
  answer: (request: HttpRequest) => Promise<HttpResponse>,
  before: (message: IncomingMessage, response: ServerResponse) => void = () => {},
) {
  const listener = toNodeListener({ answer });
  const http = createServer((message, response) => {
    before(message, response);
    void listener(message, response);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return open((http.address() as AddressInfo).port);
}

function open(port: number): {
  socket: Socket;
  received: () => string;
  until: (text: string) => Promise<void>;
} {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let received = "";
  socket.on("data", (data) => {
    received += data.toString("latin1");
  });
  const until = async (text: string): Promise<void> => {
    while (!received.includes(text)) await once(socket, "data");
    received = received.slice(received.indexOf(text) + text.length);
  };
  return { socket, received: () => received, until };
}

test("a connection goes on after a body that nobody has read", async () => {
  const { socket, until } = await connectTo();
  for (const length of [10, 300_000]) {
    socket.write(
      `POST /nowhere HTTP/1.1\r\nhost: h\r\ncontent-length: ${length}\r\n\r\n${"x".repeat(length)}`,
    );
    await until("there is no POST /nowhere here");
    socket.write(
      `POST /pull-updates HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n${(100).toString(16)}\r\n`,
    );
    socket.write(`${"\xff".repeat(100)}\r\n0\r\n\r\n`, "latin1");
    await until("malformed pull request");
    socket.write("GET /version HTTP/1.1\r\nhost: h\r\n\r\n");
    await until("tributary ");
  }
});

test("a body that is too long, and goes on, has its answer, and then its connection is cut", async () => {
  const { socket, until } = await connectTo({ maxBodyBytes: 1_000 });
  socket.write(`POST /pull-updates HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n`);
  socket.write(`${(2_000).toString(16)}\r\n${"x".repeat(2_000)}\r\n`);
  await until("longer than 1000 bytes");
  await once(socket, "close");
});

test("HEAD has the header of an answer, and nothing else", async () => {
  const onEnd = vi.fn();
  const bodies = [
    "text",
    new PulledBody({ next: () => Buffer.from("x"), onEnd, stallTimeoutMs: 0, clock: systemClock }),
  ];
  const { socket, until, received } = await connectToAnswer(async () => {
    const body = bodies.shift();
    return { status: body === undefined ? 418 : 200, headers: {}, body };
  });
  for (const header of ["HTTP/1.1 200 OK\r\ncontent-length: 4", "HTTP/1.1 200 OK", "HTTP/1.1 418"]) {
    socket.write("HEAD / HTTP/1.1\r\nhost: h\r\n\r\n");
    await until(header);
    await until("\r\n\r\n");
    expect(received()).toBe("");
  }
  expect(onEnd).toHaveBeenCalledOnce();
});

test.each([
  ["GET /v2", "a/b"],
  ["GET /v2", "user@a"],
  ["GET /v2", "a\\b"],
  ["GET /v2", ""],
  ["GET /v2", "a\r\nhost: b"],
  ["GET /a\\..\\v2", "a"],
  ["GET http://user:password@a/v2", "a"],
  ["GET http://[/v2", "a"],
  ["OPTIONS *", "a"],
])("%s of the host %j is refused", async (line, host) => {
  const { socket, until } = await connectTo();
  socket.write(`${line} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  await until("HTTP/1.1 400 ");
});

test("TRACE is refused before anybody asks for it as the web has it", async () => {
  const { socket, until } = await connectTo();
  socket.write("TRACE /admin/status HTTP/1.1\r\nhost: h\r\n\r\n");
  await until("HTTP/1.1 405 ");
});

test("a body may wait until it is asked for", async () => {
  const { socket, until } = await connectTo();
  socket.write(
    "POST /v2/pipeline HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n" +
      "content-length: 15\r\nexpect: 100-continue\r\n\r\n",
  );
  await until("HTTP/1.1 100 Continue");
  socket.write('{"requests":');
  await settle();
  socket.write("[]}");
  await until('"results":[]');
});

test("two tokens are none, though Node would take the first", async () => {
  const { socket, until } = await connectTo();
  const header = "authorization: Bearer a\r\n";
  socket.write(`POST /pull-updates HTTP/1.1\r\nhost: h\r\n${header}${header}content-length: 0\r\n\r\n`);
  await until("AUTH_HEADER_INVALID");
});

test("a host that looks at the request sees it as the web has it, and no other is made", async () => {
  let made = 0;
  class CountedRequest extends Request {
    constructor(...given: ConstructorParameters<typeof Request>) {
      super(...given);
      made += 1;
    }
  }
  vi.stubGlobal("Request", CountedRequest);
  onTestFinished(() => void vi.unstubAllGlobals());
  const seen: Request[] = [];
  let looks = false;
  const { socket, until } = await connectTo({
    authorize: (question) => {
      if (looks) seen.push({ ...question }.request);
      return { access: "read" };
    },
  });
  for (looks of [false, true]) {
    socket.write(
      "POST /pull-updates?a=b HTTP/1.1\r\nhost: db.example\r\ncookie: c=d\r\ncontent-length: 0\r\n\r\n",
    );
    await until("HTTP/1.1 200 ");
  }
  expect(made).toBe(1);
  const [{ method, url, headers }] = seen as [Request];
  expect([method, url, headers.get("cookie")]).toEqual(["POST", "http://db.example/pull-updates?a=b", "c=d"]);
});

test("a body that the host has read and left with the request is taken from there", async () => {
  const limits = { maxBytes: 100, stallTimeoutMs: 0, clock: systemClock };
  const answer = async (asked: HttpRequest): Promise<HttpResponse> =>
    textResponse(200, Buffer.from(await readBody(asked, limits)).toString());
  const left: object[] = [{ rawBody: Buffer.from("what was read") }, { rawBody: undefined }];
  const { socket, until } = await connectToAnswer(answer, (message) => Object.assign(message, left.shift()));
  socket.write("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
  await until("what was read");
  socket.write("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 12\r\n\r\nwhat is left");
  await until("what is left");
});

test("a long answer to a client that has gone before it is ended at once", async () => {
  const [asked, gone, ended] = [deferred(), deferred(), deferred()];
  const answer = async (): Promise<HttpResponse> => {
    asked.resolve();
    await gone.promise;
    return { status: 200, headers: {}, body: endless(ended.resolve) };
  };
  const { socket } = await connectToAnswer(answer, (_, response) => response.once("close", gone.resolve));
  socket.write("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
  await asked.promise;
  socket.destroy();
  await ended.promise;
});

test("a host that has answered already has the last word", async () => {
  const ended = deferred();
  const bodies = [endless(ended.resolve), "too late"];
  const { socket, until } = await connectToAnswer(
    async () => ({ status: 200, headers: {}, body: bodies.shift() }),
    (_, response) => response.writeHead(503, { "content-length": 4 }).end("late"),
  );
  for (const _ of [1, 2]) {
    socket.write("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    await until("late");
  }
  await ended.promise;
});

test("what is sent before its turn has its answer then, or hears that the connection has closed", async () => {
  const [begun, ended, aborted] = [deferred(), deferred(), deferred()];
  const { socket, until } = await connectToAnswer(async ({ url: { pathname }, signal }) => {
    if (pathname === "/last") {
      signal.addEventListener("abort", aborted.resolve);
      begun.resolve();
    }
    if (pathname === "/first" || pathname === "/last") await aborted.promise;
    const body = pathname === "/long" ? endless(ended.resolve) : pathname;
    return { status: 200, headers: {}, body };
  });
  const ask = (...paths: string[]): void =>
    void socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: h\r\n\r\n`).join(""));
  ask("/1", "/2");
  await until("\r\n\r\n/1");
  await until("\r\n\r\n/2");
  ask("/first", "/long", "/last");
  await begun.promise;
  socket.destroy();
  await Promise.all([ended.promise, aborted.promise]);
});

/** A body that never ends by itself. */
function endless(onEnd: () => void): PulledBody {
  return new PulledBody({ next: () => Buffer.alloc(1 << 18), onEnd, stallTimeoutMs: 0, clock: systemClock });
}

test("who waits for a commit and goes away is not waited for", async () => {
  const { server, url } = await connectTo();
  const whole = await fetch(`${url}/pull-updates`, { method: "POST" });
  const { revision } = parseAnswer(new Uint8Array(await whole.arrayBuffer()));
  const client = request(`${url}/pull-updates`, { method: "POST" });
  client.on("error", () => {});
  client.end(pullRequest({ clientRevision: revision, longPollTimeoutMs: 60_000 }));
  const waiters = (): number | undefined => server.status().databases[0]?.waiters;
  while (waiters() !== 1) await new Promise((resolve) => setImmediate(resolve));
  client.destroy();
  while (waiters() !== 0) await new Promise((resolve) => setImmediate(resolve));
});

test("no more of a body is made than the client has taken", async () => {
  let made = 0;
  const piece = Buffer.alloc(1 << 20);
  const ended = deferred();
  const body = new PulledBody({
    next() {
      made += 1;
      return piece;
    },
    onEnd: ended.resolve,
    stallTimeoutMs: 0,
    clock: systemClock,
  });
  const { socket } = await connectToAnswer(async () => ({ status: 200, headers: {}, body }));
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
  let before = -1;
  while (made === 0 || made !== before) {
    before = made;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(made).toBeLessThan(64);
  socket.destroy();
  await ended.promise;
});

test("others have their turn while a long body is sent to a client that takes all at once", async () => {
  const piece = Buffer.alloc(1 << 18);
  let left = 40;
  let longest = 0;
  let inTurn = 0;
  const next = (): Buffer | undefined => {
    longest = Math.max(longest, ++inTurn);
    return left-- > 0 ? piece : undefined;
  };
  const body = new PulledBody({ next, onEnd: () => {}, stallTimeoutMs: 0, clock: systemClock });
  const response = Object.assign(new EventEmitter(), {
    req: { method: "GET" },
    writeHead: () => {},
    write() {
      process.nextTick(() => response.emit("drain"));
      return false;
    },
    end: () => {},
  });
  const turn = (): void => {
    inTurn = 0;
    if (left > 0) setImmediate(turn);
  };
  turn();
  await sendResponse({ status: 200, headers: {}, body }, response as object as ServerResponse);
  expect([left, longest]).toEqual([-1, 4]);
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
