import { expect, test } from "vitest";
import { openStream, outline, request } from "./open-socket.js";

const store = (requestId: number, sqlId: number, sql: string) =>
  request(requestId, { type: "store_sql", sql_id: sqlId, sql });
const closeSql = (requestId: number, sqlId: number) =>
  request(requestId, { type: "close_sql", sql_id: sqlId });
const run = (requestId: number, sqlId: number) =>
  request(requestId, { type: "execute", stream_id: 1, stmt: { sql_id: sqlId } });
const batchOf = (steps: readonly object[]) => ({ steps: steps.map((stmt) => ({ stmt })) });

test("texts belong to the socket, and mean what they meant when they were named", async () => {
  const { socket, host, stream } = await openStream();
  socket.say(
    request(1, { type: "open_stream", stream_id: 2 }),
    store(2, 7, "SELECT 7"),
    run(3, 7),
    request(4, { type: "batch", stream_id: 1, batch: batchOf([{ sql: "SELECT 0" }, { sql_id: 7 }]) }),
    request(5, { type: "sequence", stream_id: 2, sql_id: 7 }),
    request(6, { type: "describe", stream_id: 2, sql_id: 7 }),
    closeSql(7, 7),
    store(8, 7, "SELECT 8"),
    request(9, { type: "open_cursor", stream_id: 1, cursor_id: 1, batch: batchOf([{ sql_id: 7 }]) }),
  );
  const answers = await socket.heard();
  expect(outline(answers).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => `${id} ok`));
  expect(answers).toContainEqual({ type: "response_ok", request_id: 2, response: { type: "store_sql" } });
  expect(answers).toContainEqual({ type: "response_ok", request_id: 7, response: { type: "close_sql" } });
  expect(stream.log).toEqual(["SELECT 7", "SELECT 0; SELECT 7", "cursor SELECT 8"]);
  expect(host.streams[1]?.log).toEqual(["SELECT 7", "SELECT 7"]);
});

test("closing a text that is not there is fine", async () => {
  const { socket } = await openStream();
  socket.say(closeSql(1, 9));
  expect(outline(await socket.heard())).toEqual(["1 ok"]);
});

test("an id that is in use, or that stands for nothing, closes the socket", async () => {
  const twice = await openStream();
  twice.socket.say(store(1, 1, "SELECT 1"), store(2, 1, "SELECT 1"));
  expect(twice.socket.closed).toEqual({ code: 1008, reason: "SQL text 1 is already stored" });
  const never = await openStream();
  never.socket.say(run(1, 1));
  expect(never.socket.closed).toEqual({ code: 1008, reason: "SQL text 1 is not stored" });
});

test("150 texts, and room again when one is closed", async () => {
  const { socket } = await openStream();
  for (let id = 0; id < 150; id++) socket.say(store(id, id, `SELECT ${id}`));
  socket.say(store(150, 150, "SELECT 150"), run(151, 150), closeSql(152, 150), closeSql(153, 0));
  socket.say(store(154, 150, "SELECT 150"), run(155, 150));
  expect(outline(await socket.heard()).slice(150)).toEqual([
    "150 SQL_STORE_TOO_MANY",
    "152 ok",
    "153 ok",
    "154 ok",
    "151 SQL_STORE_TOO_MANY",
    "155 ok",
  ]);
});

test("4 MiB of texts, and room again when one is closed", async () => {
  const { socket } = await openStream("hrana2", { maxMessageBytes: 5e6 });
  const half = "é".repeat(1024 * 1024);
  socket.say(store(1, 1, half), store(2, 2, half), store(3, 3, "x"));
  socket.say(closeSql(4, 1), store(5, 4, "x"), closeSql(6, 3), store(7, 3, "x"));
  expect(outline(await socket.heard())).toEqual([
    "1 ok",
    "2 ok",
    "3 SQL_STORE_TOO_LARGE",
    "4 ok",
    "5 ok",
    "6 ok",
    "7 ok",
  ]);
});

test("a short request that stands for a long one is refused", async () => {
  const { socket, stream } = await openStream("hrana3", { maxMessageBytes: 100_000 });
  socket.say(store(1, 1, `SELECT ${"1".repeat(9_000)}`));
  const repeated = (count: number) => batchOf(Array.from({ length: count }, () => ({ sql_id: 1 })));
  socket.say(request(2, { type: "batch", stream_id: 1, batch: repeated(44) }));
  socket.say(request(3, { type: "batch", stream_id: 1, batch: repeated(45) }));
  expect(outline(await socket.heard())).toEqual(["1 ok", "2 ok", "3 SQL_STORE_TOO_LARGE"]);
  expect(stream.log).toHaveLength(1);
});

test("ids of texts that were refused are not without end", async () => {
  const { socket } = await openStream();
  for (let id = 0; id < 1_000; id++) socket.say(store(id, id, "SELECT 1"));
  expect(socket.closed).toBeUndefined();
  socket.say(store(1_000, 1_000, "SELECT 1"));
  expect(socket.closed).toEqual({ code: 1008, reason: "too many ids of SQL texts" });
});
