import { expect, test } from "vitest";
import { execute, openSocket, openStream, outline, request } from "./open-socket.js";

const MIB = 1024 * 1024;

test("as many streams as are allowed, and one more when one is closed", async () => {
  const { socket, host } = await openStream();
  const open = (id: number) => request(id, { type: "open_stream", stream_id: id });
  const close = (id: number, streamId: number) => request(id, { type: "close_stream", stream_id: streamId });
  socket.say(open(2), open(3), open(4), open(5), execute(6, "SELECT 1", 5));
  expect(outline(await socket.heard()).sort()).toEqual([
    "2 ok",
    "3 ok",
    "4 ok",
    "5 STREAMS_EXHAUSTED",
    "6 STREAM_NOT_OPEN",
  ]);
  // One that has ended counts no more than one that was closed.
  host.streams[1]?.onEnd?.({ message: "ended", code: "STREAM_EXPIRED" });
  socket.say(close(7, 1), close(8, 5));
  expect(outline(await socket.heard())).toEqual(["7 ok", "8 ok"]);
  socket.say(open(5), open(6), open(7));
  expect(outline(await socket.heard()).sort()).toEqual(["5 ok", "6 ok", "7 STREAMS_EXHAUSTED"]);
});

test("streams that are being opened or closed count", async () => {
  const { socket, host, stream } = await openStream();
  let opened: () => void = () => {};
  host.opening = new Promise((resolve) => {
    opened = resolve;
  });
  socket.say(execute(1, "wait"), request(2, { type: "close_stream", stream_id: 1 }));
  for (let id = 1; id < 5; id++) socket.say(request(id + 2, { type: "open_stream", stream_id: id }));
  expect(outline(await socket.heard())).toEqual(["6 STREAMS_EXHAUSTED"]);
  opened();
  stream.finish();
  expect(outline(await socket.heard()).sort()).toEqual(["1 ok", "2 ok", "3 ok", "4 ok", "5 ok"]);
});

test("ids of streams and cursors that failed to open are not without end", async () => {
  const { socket } = await openStream("hrana3", { maxStreams: 1 });
  for (let id = 2; id < 1_002; id++) socket.say(request(id, { type: "open_stream", stream_id: id }));
  expect(socket.closed).toBeUndefined();
  socket.say(request(1, { type: "open_stream", stream_id: 2_000 }));
  expect(socket.closed).toEqual({ code: 1008, reason: "too many ids of streams" });
  const other = await openStream();
  const open = (id: number) => ({ type: "open_cursor", stream_id: 1, cursor_id: id, batch: { steps: [] } });
  for (let id = 0; id < 1_000; id++) other.socket.say(request(id, open(id)));
  expect(other.socket.closed).toBeUndefined();
  other.socket.say(request(1, open(1_000)));
  expect(other.socket.closed).toEqual({ code: 1008, reason: "too many ids of cursors" });
});

test("requests that wait to be answered", async () => {
  const { socket, stream } = await openStream();
  socket.say(execute(0, "wait"));
  for (let id = 1; id < 10_000; id++) socket.say(execute(id, "SELECT 1"));
  expect(socket.closed).toBeUndefined();
  stream.finish();
  expect(await socket.heard()).toHaveLength(10_000);
  socket.say(execute(0, "wait"));
  for (let id = 1; id < 10_000; id++) socket.say(execute(id, "SELECT 1"));
  socket.say(execute(10_000, "SELECT 1"));
  expect(socket.closed).toEqual({ code: 1008, reason: "too many requests are not answered yet" });
});

test("messages that wait for a hello", async () => {
  const { socket, host } = openSocket();
  host.helloAnswer = new Promise(() => {});
  socket.say({ type: "hello", jwt: null });
  for (let id = 1; id < 10_000; id++) socket.say(execute(id, "SELECT 1"));
  expect(socket.closed).toBeUndefined();
  socket.say(execute(0, "SELECT 1"));
  expect(socket.closed?.code).toBe(1008);
});

test("bytes of requests that wait to be answered", async () => {
  const { socket, stream } = await openStream("hrana3", { maxMessageBytes: 10_000 });
  const long = `SELECT ${"1".repeat(9_000)}`;
  socket.say(execute(0, `wait ${long}`), execute(1, long), execute(2, long), execute(3, long));
  stream.finish();
  expect(await socket.heard()).toHaveLength(4);
  for (let id = 0; id < 4; id++) socket.say(execute(id, id === 0 ? `wait ${long}` : long));
  expect(socket.closed).toBeUndefined();
  socket.say(execute(4, long));
  expect(socket.closed).toEqual({
    code: 1008,
    reason: "the requests that are not answered yet are too long",
  });
});

test("the longest message, in bytes", async () => {
  const { socket } = await openStream("hrana3", { maxMessageBytes: 1_000 });
  const padding = 1_000 - JSON.stringify(execute(1, "")).length;
  socket.say(execute(1, "x".repeat(padding)));
  expect(outline(await socket.heard())).toEqual(["1 ok"]);
  socket.say(execute(1, `é${"x".repeat(padding - 1)}`));
  expect(socket.closed).toEqual({ code: 1009, reason: "the message is longer than 1000 bytes" });
});

test("the most statements in one message", async () => {
  const { socket } = await openStream("hrana3", { maxStatements: 10 });
  const steps = (length: number) => Array.from({ length }, () => ({ stmt: { sql: "SELECT 1" } }));
  socket.say(request(1, { type: "batch", stream_id: 1, batch: { steps: steps(9) } }));
  expect(outline(await socket.heard())).toEqual(["1 ok"]);
  socket.say(request(2, { type: "batch", stream_id: 1, batch: { steps: steps(10) } }));
  expect(socket.closed?.code).toBe(1009);
});

test("nothing new is begun while the client does not read, and goes on when it does", async () => {
  const { socket, host, stream } = await openStream();
  socket.bufferedAmount = 9 * MIB;
  socket.say(
    execute(1, "SELECT 1"),
    request(2, { type: "open_stream", stream_id: 2 }),
    request(3, { type: "store_sql", sql_id: 1, sql: "SELECT 3" }),
  );
  expect(outline(await socket.heard())).toEqual(["3 ok"]);
  expect(stream.log).toEqual([]);
  // Little is progress, too.
  for (let step = 0; step < 50; step++) {
    host.clock.advance(900);
    socket.bufferedAmount -= 1;
  }
  expect(await socket.heard()).toEqual([]);
  socket.bufferedAmount = 8 * MIB;
  host.clock.advance(20);
  expect(outline(await socket.heard()).sort()).toEqual(["1 ok", "2 ok"]);
  expect(host.clock.timerCount).toBe(0);
});

test("a client that reads nothing is cut off after a while", async () => {
  const { socket, host, stream } = await openStream();
  socket.bufferedAmount = 9 * MIB;
  socket.say(execute(1, "SELECT 1"));
  host.clock.advance(999);
  expect(socket.closed).toBeUndefined();
  host.clock.advance(1);
  expect(socket.closed).toEqual({ code: 1013, reason: "the client does not read what it is sent" });
  expect(stream.isClosed).toBe(true);
  const patient = await openStream("hrana3", { sendStallTimeoutMs: 0 });
  patient.socket.bufferedAmount = 9 * MIB;
  patient.socket.say(execute(1, "SELECT 1"));
  patient.host.clock.advance(100_000);
  expect(patient.socket.closed).toBeUndefined();
});

test("answers that were under way do not pile up without end", async () => {
  const { socket, stream } = await openStream();
  socket.say(execute(1, "wait"));
  await socket.heard();
  socket.bufferedAmount = 257 * MIB;
  stream.finish();
  await socket.heard();
  expect(socket.closed?.code).toBe(1013);
});

test("a socket that throws when something is sent is done with", async () => {
  const { socket, host, stream } = await openStream();
  const error = new Error("not connected");
  socket.send = () => {
    throw error;
  };
  socket.say(execute(1, "SELECT 1"));
  await socket.heard();
  expect(stream.isClosed).toBe(true);
  expect(host.closes).toEqual([error]);
});
