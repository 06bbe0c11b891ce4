import { expect, test } from "vitest";
import { execute, openStream, outline, request } from "./open-socket.js";

const cursor = request(1, { type: "open_cursor", stream_id: 1, cursor_id: 1, batch: { steps: [] } });
const fetch = (requestId: number, count: number) =>
  request(requestId, { type: "fetch_cursor", cursor_id: 1, max_count: count });

test("a stream that is left idle in a transaction is closed", async () => {
  const { socket, host, stream } = await openStream();
  stream.isAutocommit = false;
  socket.say(execute(1, "BEGIN"));
  expect(outline(await socket.heard())).toEqual(["1 ok"]);
  host.clock.advance(499);
  expect(stream.isClosed).toBe(false);
  host.clock.advance(1);
  expect(stream.isClosed).toBe(true);
  socket.say(execute(2, "COMMIT"));
  expect(outline(await socket.heard())).toEqual(["2 STREAM_EXPIRED"]);
});

test("each request lets the time begin anew, and none runs during one", async () => {
  const { socket, host, stream } = await openStream();
  stream.isAutocommit = false;
  for (const id of [1, 2, 3]) {
    socket.say(execute(id, "SELECT"));
    await socket.heard();
    host.clock.advance(499);
  }
  socket.say(execute(4, "wait"));
  await socket.heard();
  host.clock.advance(10_000);
  stream.finish();
  expect(outline(await socket.heard())).toEqual(["4 ok"]);
  expect(stream.isClosed).toBe(false);
});

test("outside a transaction a stream may be idle", async () => {
  const { socket, host, stream } = await openStream();
  socket.say(execute(1, "SELECT"));
  await socket.heard();
  host.clock.advance(10_000);
  expect(stream.isClosed).toBe(false);
});

test("a cursor that nobody reads on ends its stream, one that was read to its end does not", async () => {
  const { socket, host, stream } = await openStream();
  socket.say(cursor, fetch(2, 10));
  expect(outline(await socket.heard())).toEqual(["1 ok", "2 ok"]);
  host.clock.advance(10_000);
  expect(stream.isClosed).toBe(false);

  for (const fetches of [[], [fetch(2, 1)]]) {
    const left = await openStream();
    left.socket.say(cursor, ...fetches, execute(3, "SELECT"));
    expect(await left.socket.heard()).toHaveLength(1 + fetches.length);
    left.host.clock.advance(500);
    expect(left.stream.isClosed).toBe(true);
    expect(outline(await left.socket.heard())).toEqual(["3 STREAM_EXPIRED"]);
  }
});

test("a client that is still reading answers has not left its transaction", async () => {
  const { socket, host, stream } = await openStream();
  stream.isAutocommit = false;
  socket.say(execute(1, "BEGIN"));
  await socket.heard();
  socket.bufferedAmount = 20_000_000;
  host.clock.advance(500);
  expect(stream.isClosed).toBe(false);
  socket.bufferedAmount = 0;
  // The gate looks now and then, and the time begins anew behind it.
  host.clock.advance(20);
  await socket.heard();
  host.clock.advance(500);
  expect(stream.isClosed).toBe(true);
});
