import { expect, test } from "vitest";
import { HranaRequestError } from "../../src/hrana/hrana-request-error.js";
import { execute, openSocket, openStream, outline, request } from "./open-socket.js";

const open = (requestId: number, cursorId: number, sql = "SELECT 1", streamId = 1) =>
  request(requestId, {
    type: "open_cursor",
    stream_id: streamId,
    cursor_id: cursorId,
    batch: { steps: [{ stmt: { sql } }] },
  });
const fetch = (requestId: number, cursorId: number, maxCount = 2) =>
  request(requestId, { type: "fetch_cursor", cursor_id: cursorId, max_count: maxCount });
const close = (requestId: number, cursorId: number) =>
  request(requestId, { type: "close_cursor", cursor_id: cursorId });

test("entries are fetched piece by piece, and its end is told as often as it is asked for", async () => {
  const { socket, stream } = await openStream();
  socket.say(open(1, 5), fetch(2, 5), fetch(3, 5), fetch(4, 5), fetch(5, 5), close(6, 5));
  const row = (value: string) => ({ type: "row", row: [{ type: "integer", value }] });
  expect(await socket.heard()).toEqual([
    { type: "response_ok", request_id: 1, response: { type: "open_cursor" } },
    {
      type: "response_ok",
      request_id: 2,
      response: { type: "fetch_cursor", entries: [row("0"), row("1")], done: false },
    },
    {
      type: "response_ok",
      request_id: 3,
      response: { type: "fetch_cursor", entries: [row("2")], done: true },
    },
    { type: "response_ok", request_id: 4, response: { type: "fetch_cursor", entries: [], done: true } },
    { type: "response_ok", request_id: 5, response: { type: "fetch_cursor", entries: [], done: true } },
    { type: "response_ok", request_id: 6, response: { type: "close_cursor" } },
  ]);
  expect(stream.log).toEqual(["cursor SELECT 1", "fetch 2 1048576", "fetch 2 1048576", "close cursor"]);
});

test("other work of the stream waits until the cursor is closed", async () => {
  const { socket, stream } = await openStream();
  socket.say(open(1, 1), execute(2, "SELECT 2"), open(3, 2, "SELECT 3"), fetch(4, 2), fetch(5, 1));
  expect(outline(await socket.heard())).toEqual(["1 ok", "5 ok"]);
  socket.say(close(6, 1));
  expect(outline(await socket.heard())).toEqual(["6 ok", "2 ok", "3 ok", "4 ok"]);
  expect(stream.log).toEqual([
    "cursor SELECT 1",
    "fetch 2 1048576",
    "close cursor",
    "SELECT 2",
    "cursor SELECT 3",
    "fetch 2 1048576",
  ]);
  socket.say(close(7, 2), open(8, 1), close(9, 1), execute(10, "SELECT 10"));
  expect(outline(await socket.heard())).toEqual(["7 ok", "8 ok", "9 ok", "10 ok"]);
});

test("closing the stream drops its cursors", async () => {
  const { socket, stream } = await openStream();
  socket.say(
    open(1, 1),
    fetch(2, 1),
    execute(3, "SELECT 3"),
    open(4, 2, "SELECT 4"),
    fetch(5, 2),
    request(6, { type: "close_stream", stream_id: 1 }),
  );
  expect(outline(await socket.heard())).toEqual(["1 ok", "2 ok", "3 ok", "4 ok", "5 ok", "6 ok"]);
  expect(stream.isClosed).toBe(true);
  socket.say(fetch(7, 1));
  expect(socket.closed).toEqual({ code: 1008, reason: "cursor 1 is not open" });
});

test("a cursor of a stream that failed to open", async () => {
  const { socket, host } = openSocket();
  host.openError = new HranaRequestError("no");
  socket.say(
    { type: "hello", jwt: null },
    request(0, { type: "open_stream", stream_id: 1 }),
    open(1, 1),
    fetch(2, 1),
    fetch(3, 1),
    close(4, 1),
  );
  expect(outline(await socket.heard()).sort()).toEqual([
    "0 STREAM_NOT_OPEN",
    "1 STREAM_NOT_OPEN",
    "2 STREAM_NOT_OPEN",
    "3 STREAM_NOT_OPEN",
    "4 ok",
    "hello_ok",
  ]);
});

test("a cursor that failed to open keeps its id, and lets the stream go on", async () => {
  const { socket } = await openStream();
  // Its text was refused, which is no fault of the stream.
  const store = request(0, { type: "store_sql", sql_id: 1, sql: "x".repeat(900_000) });
  for (let id = 10; id < 15; id++) {
    socket.say({ ...store, request_id: id, request: { ...(store.request as object), sql_id: id } });
  }
  expect(outline(await socket.heard()).at(-1)).toBe("14 SQL_STORE_TOO_LARGE");
  socket.say(
    request(1, {
      type: "open_cursor",
      stream_id: 1,
      cursor_id: 1,
      batch: { steps: [{ stmt: { sql_id: 14 } }] },
    }),
    fetch(2, 1),
    execute(3, "SELECT 3"),
  );
  expect(outline(await socket.heard()).sort()).toEqual([
    "1 SQL_STORE_TOO_LARGE",
    "2 CURSOR_NOT_OPEN",
    "3 ok",
  ]);
  socket.say(close(4, 1), open(5, 1));
  expect(outline(await socket.heard())).toEqual(["4 ok", "5 ok"]);
});

test("a fetch that fails ends the stream", async () => {
  const { socket, stream } = await openStream();
  socket.say(open(1, 1));
  await socket.heard();
  stream.breakWith = new HranaRequestError("too slow", { code: "SQLITE_INTERRUPT" });
  socket.say(fetch(2, 1), fetch(3, 1), execute(4, "SELECT 4"), close(5, 1));
  expect(outline(await socket.heard()).sort()).toEqual([
    "2 SQLITE_INTERRUPT",
    "3 SQLITE_INTERRUPT",
    "4 SQLITE_INTERRUPT",
    "5 ok",
  ]);
  expect(stream.isClosed).toBe(true);
});

test("a cursor whose id is in use closes the socket", async () => {
  const { socket } = await openStream();
  socket.say(request(0, { type: "open_stream", stream_id: 2 }), open(1, 1), open(2, 1, "SELECT 1", 2));
  expect(socket.closed).toEqual({ code: 1008, reason: "cursor 1 is already open" });
});

test("a socket that is closed stops its cursors", async () => {
  const { socket, stream } = await openStream();
  socket.say(open(1, 1), execute(2, "SELECT 2"));
  await socket.heard();
  socket.emit("close");
  expect(stream.log).toEqual(["cursor SELECT 1", "close cursor"]);
  expect(await socket.heard()).toEqual([]);
  expect(stream.log).toHaveLength(2);
});
