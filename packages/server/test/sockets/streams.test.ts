import { expect, test } from "vitest";
import { HranaRequestError } from "../../src/hrana/hrana-request-error.js";
import { RequestError } from "../../src/http/request-error.js";
import { ServerError } from "../../src/server-error.js";
import { execute, openSocket, openStream, outline, request } from "./open-socket.js";

const HELLO = { type: "hello", jwt: null };
const open = (requestId: number, streamId: number) =>
  request(requestId, { type: "open_stream", stream_id: streamId });
const close = (requestId: number, streamId: number) =>
  request(requestId, { type: "close_stream", stream_id: streamId });

test("requests of one stream are answered in their order, those of others do not wait for them", async () => {
  const { socket, stream } = await openStream();
  socket.say(open(1, 2), execute(2, "wait"), execute(3, "SELECT 3"), execute(4, "SELECT 4", 2));
  expect(outline(await socket.heard())).toEqual(["1 ok", "4 ok"]);
  expect(stream.log).toEqual(["wait"]);
  stream.finish();
  expect(outline(await socket.heard())).toEqual(["2 ok", "3 ok"]);
});

test("results and errors of every request arrive as they are", async () => {
  const { socket } = await openStream();
  const step = { stmt: { sql: "SELECT 2" } };
  socket.say(
    execute(1, "SELECT 1"),
    request(2, { type: "batch", stream_id: 1, batch: { steps: [step] } }),
    request(3, { type: "sequence", stream_id: 1, sql: "SELECT 3;" }),
    request(4, { type: "describe", stream_id: 1, sql: "SELECT 4" }),
    request(5, { type: "get_autocommit", stream_id: 1 }),
    execute(6, "fail"),
  );
  const answers = await socket.heard();
  expect(answers.map(({ type }) => type)).toEqual([
    ...Array<string>(5).fill("response_ok"),
    "response_error",
  ]);
  expect(answers).toMatchObject([
    {
      request_id: 1,
      response: { type: "execute", result: { rows: [[{ type: "text", value: "SELECT 1" }]] } },
    },
    { request_id: 2, response: { type: "batch", result: { step_errors: [null] } } },
    { request_id: 3, response: { type: "sequence" } },
    { request_id: 4, response: { type: "describe", result: { cols: [{ name: "SELECT 4" }] } } },
    { request_id: 5, response: { type: "get_autocommit", is_autocommit: true } },
    { request_id: 6, error: { message: "fail", code: "SQLITE_ERROR" } },
  ]);
});

test("ids of requests and streams are used again as soon as they are answered", async () => {
  const { socket, host, stream } = await openStream();
  socket.say(close(0, 1), open(0, 1), execute(0, "SELECT 1"), execute(0, "SELECT 2"), close(0, 1));
  expect(outline(await socket.heard())).toEqual(Array(5).fill("0 ok"));
  expect(stream.isClosed).toBe(true);
  expect(host.streams.map(({ log }) => log)).toEqual([[], ["SELECT 1", "SELECT 2"]]);
  expect(host.streams[1]?.isClosed).toBe(true);
});

test("closing a stream waits for what was asked before", async () => {
  const { socket, stream } = await openStream();
  socket.say(execute(1, "wait"), execute(2, "SELECT 2"), close(3, 1));
  expect(await socket.heard()).toEqual([]);
  expect(stream.isClosed).toBe(false);
  stream.finish();
  expect(outline(await socket.heard())).toEqual(["1 ok", "2 ok", "3 ok"]);
  expect(stream.isClosed).toBe(true);
});

test.each([
  [new HranaRequestError("too many open streams", { code: "STREAMS_EXHAUSTED" }), "STREAMS_EXHAUSTED"],
  [new HranaRequestError("no"), "STREAM_NOT_OPEN"],
  [new ServerError("too-many-databases", "all are in use"), "too-many-databases"],
  [new RequestError(429, "too many requests", { code: "TOO_MANY_REQUESTS" }), "TOO_MANY_REQUESTS"],
])("a stream that cannot be opened keeps its id: %s", async (error, code) => {
  const { socket, host } = openSocket();
  host.openError = error;
  socket.say(HELLO, open(1, 1), execute(2, "SELECT 1"), execute(3, "SELECT 1"));
  expect(outline(await socket.heard())).toEqual([
    "hello_ok",
    `1 ${code}`,
    "2 STREAM_NOT_OPEN",
    "3 STREAM_NOT_OPEN",
  ]);
  host.openError = undefined;
  socket.say(close(4, 1), open(5, 1), execute(6, "SELECT 1"));
  expect(outline(await socket.heard())).toEqual(["4 ok", "5 ok", "6 ok"]);
});

test("something that nobody has thought of closes the socket, and the server is told", async () => {
  const { socket, host, stream } = await openStream();
  const error = new Error("with a secret");
  stream.breakWith = error;
  socket.say(execute(1, "SELECT 1"));
  expect(await socket.heard()).toEqual([]);
  expect(socket.closed).toEqual({ code: 1011, reason: "internal error" });
  expect(host.closes).toEqual([error]);
});

test("a stream that the server ends: what is asked of it is answered with the reason", async () => {
  const { socket, stream } = await openStream();
  socket.say(execute(1, "wait"), execute(2, "SELECT 2"));
  await socket.heard();
  stream.onEnd?.({ message: "ended", code: "TRANSACTION_TIMEOUT" });
  stream.breakWith = new Error("it is gone");
  stream.finish();
  socket.say(
    execute(3, "SELECT 3"),
    request(4, { type: "open_cursor", stream_id: 1, cursor_id: 1, batch: { steps: [] } }),
    request(5, { type: "fetch_cursor", cursor_id: 1, max_count: 1 }),
    request(6, { type: "close_cursor", cursor_id: 1 }),
    execute(7, "SELECT 7"),
  );
  expect(outline(await socket.heard()).sort()).toEqual([
    "1 TRANSACTION_TIMEOUT",
    "2 TRANSACTION_TIMEOUT",
    "3 TRANSACTION_TIMEOUT",
    "4 TRANSACTION_TIMEOUT",
    "5 TRANSACTION_TIMEOUT",
    "6 ok",
    "7 TRANSACTION_TIMEOUT",
  ]);
  expect(stream.isClosed).toBe(true);
  socket.say(close(8, 1), open(9, 1), execute(10, "SELECT 10"));
  expect(outline(await socket.heard())).toEqual(["8 ok", "9 ok", "10 ok"]);
});

test("a request that fails as a whole ends its stream, where clients know the code", async () => {
  const { socket, stream } = await openStream();
  stream.breakWith = new HranaRequestError("the process has ended", { code: "STREAM_CLOSED" });
  socket.say(execute(1, "SELECT 1"), execute(2, "SELECT 2"));
  expect(outline(await socket.heard())).toEqual(["1 STREAM_CLOSED", "2 STREAM_CLOSED"]);
  expect(stream.log).toEqual(["SELECT 1"]);
  expect(stream.isClosed).toBe(true);
  stream.onEnd?.({ message: "later", code: "ANOTHER_REASON" });
  socket.say(execute(3, "SELECT 3"));
  expect(outline(await socket.heard())).toEqual(["3 STREAM_CLOSED"]);
});

test("one that breaks the protocol closes the socket", async () => {
  const { socket, stream } = await openStream();
  stream.breakWith = new HranaRequestError("step 0 refers to step 3");
  socket.say(execute(1, "SELECT 1"));
  await socket.heard();
  expect(socket.closed).toEqual({ code: 1008, reason: "step 0 refers to step 3" });
  expect(stream.isClosed).toBe(true);
});

test.each([
  ["a stream that is open", open(1, 1), "stream 1 is already open"],
  ["a request of no stream", execute(1, "SELECT 1", 9), "stream 9 is not open"],
  ["closing no stream", close(1, 9), "stream 9 is not open"],
  [
    "a cursor of no stream",
    request(1, { type: "open_cursor", stream_id: 9, cursor_id: 1, batch: { steps: [] } }),
    "stream 9 is not open",
  ],
  [
    "a fetch of no cursor",
    request(1, { type: "fetch_cursor", cursor_id: 9, max_count: 1 }),
    "cursor 9 is not open",
  ],
  ["closing no cursor", request(1, { type: "close_cursor", cursor_id: 9 }), "cursor 9 is not open"],
])("%s closes the socket", async (_, message, reason) => {
  const { socket, stream } = await openStream();
  socket.say(execute(0, "wait"), message);
  expect(socket.closed).toEqual({ code: 1008, reason });
  expect(stream.isClosed).toBe(true);
  stream.finish();
  expect(await socket.heard()).toEqual([]);
});

test("a socket that is closed closes its streams at once, whatever they do", async () => {
  const { socket, host, stream } = await openStream();
  let opened: () => void = () => {};
  host.opening = new Promise((resolve) => {
    opened = resolve;
  });
  socket.say(execute(1, "wait"), execute(2, "SELECT 2"), open(3, 2), execute(4, "SELECT 4", 2));
  await socket.heard();
  socket.emit("close");
  expect(stream.isClosed).toBe(true);
  opened();
  stream.finish();
  socket.say(execute(5, "SELECT 5"));
  socket.emit("error");
  expect(await socket.heard()).toEqual([]);
  // It was opened for nobody.
  expect(host.streams[1]).toMatchObject({ isClosed: true, log: [] });
  expect(host.closes).toEqual([undefined]);
});

test("an error of the socket ends it", async () => {
  const { socket, stream, host } = await openStream();
  socket.emit("error");
  expect(stream.isClosed).toBe(true);
  expect(host.closes).toEqual([undefined]);
});

test("the server ends a socket: at once, or when what came is answered", async () => {
  const first = await openStream();
  first.connection.close(1001, "bye");
  first.connection.close(1001, "bye");
  expect(first.socket.closed).toEqual({ code: 1001, reason: "bye" });
  expect(first.stream.isClosed).toBe(true);
  const idle = openSocket();
  idle.connection.finish();
  expect(idle.socket.closed?.code).toBe(1001);
  const { socket, stream, connection } = await openStream();
  socket.say(execute(1, "wait"), execute(2, "SELECT 2"));
  await socket.heard();
  connection.finish();
  socket.say(execute(3, "SELECT 3"));
  stream.finish();
  expect(outline(await socket.heard())).toEqual(["1 ok", "2 ok"]);
  expect(socket.closed).toEqual({ code: 1001, reason: "the server is closing" });
  expect(stream.log).toEqual(["wait", "SELECT 2"]);
});
