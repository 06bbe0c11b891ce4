import type { HranaSocketRequest } from "@tributary/wire";
import { expect, test } from "vitest";
import { execute, openSocket, openStream, outline, request } from "./open-socket.js";

const STREAM = { stream_id: 1 } as const;
const CONDITION = {
  type: "not",
  cond: { type: "and", conds: [{ type: "is_autocommit" }] },
} as const;
const LATER: readonly (readonly [string, HranaSocketRequest, number])[] = [
  ["sequence", { type: "sequence", ...STREAM, sql: "SELECT 1" }, 2],
  ["describe", { type: "describe", ...STREAM, sql: "SELECT 1" }, 2],
  ["store_sql", { type: "store_sql", sql_id: 1, sql: "SELECT 1" }, 2],
  ["close_sql", { type: "close_sql", sql_id: 1 }, 2],
  ["get_autocommit", { type: "get_autocommit", ...STREAM }, 3],
  ["open_cursor", { type: "open_cursor", ...STREAM, cursor_id: 1, batch: { steps: [] } }, 3],
  [
    "is_autocommit",
    { type: "batch", ...STREAM, batch: { steps: [{ condition: CONDITION, stmt: { sql: "SELECT 1" } }] } },
    3,
  ],
];

test.each(LATER)("%s is not known before its version", async (_, content, version) => {
  for (const known of [1, 2, 3]) {
    const { socket } = await openStream(`hrana${known}`);
    socket.say(request(1, { ...content }));
    const answers = await socket.heard();
    if (known >= version) expect(outline(answers)).toEqual(["1 ok"]);
    else
      expect(socket.closed).toMatchObject({ code: 1008, reason: expect.stringContaining(`hrana${version}`) });
  }
});

test("the first version has no stored SQL", async () => {
  for (const content of [
    { type: "execute", stream_id: 1, stmt: { sql_id: 1 } },
    { type: "batch", stream_id: 1, batch: { steps: [{ stmt: { sql_id: 1 } }] } },
  ]) {
    const { socket } = await openStream("hrana1");
    socket.say(request(1, content));
    expect(socket.closed).toEqual({ code: 1008, reason: "sql_id needs hrana2" });
  }
});

test("protobuf, in binary frames of either kind", async () => {
  const { socket } = openSocket("Hrana3-Protobuf");
  // hello{}
  socket.emit("message", new Uint8Array([0x0a, 0x00]).buffer);
  // request{request_id: 3, open_stream{stream_id: 7}}
  socket.emit("message", Buffer.from([0x12, 0x06, 0x08, 0x03, 0x12, 0x02, 0x08, 0x07]));
  await socket.heard.call({ ...socket, sent: [] });
  expect(socket.sent.map((bytes) => [...(bytes as Uint8Array)])).toEqual([
    // hello_ok{}
    [0x0a, 0x00],
    // response_ok{request_id: 3, open_stream{}}
    [0x1a, 0x04, 0x08, 0x03, 0x12, 0x00],
  ]);
});

test.each([
  ["hrana3", new ArrayBuffer(2), 1003],
  ["hrana2", new Uint8Array(2), 1003],
  ["hrana3-protobuf", `{"type":"hello"}`, 1003],
  ["hrana3", "", 1007],
  ["hrana3", "{", 1007],
  ["hrana3", "[]", 1007],
  ["hrana3", `{"type":"goodbye"}`, 1007],
  ["hrana3", `{"type":"request","request_id":1,"request":{"type":"close","stream_id":1}}`, 1007],
  ["hrana3-protobuf", new Uint8Array([0xff]), 1007],
  ["hrana3-protobuf", new Uint8Array(), 1007],
  ["hrana3", 7, 1011],
])("%s: the message %j closes the socket with %i", async (protocol, data, code) => {
  const { socket, host } = openSocket(protocol);
  socket.emit("message", data);
  expect(socket.closed?.code).toBe(code);
  expect(host.closes).toHaveLength(1);
  expect(await socket.heard()).toEqual([]);
});

test("a subprotocol that is not known", async () => {
  const { socket, host } = openSocket("chat");
  expect(host.closes).toEqual([]);
  socket.say({ type: "hello", jwt: null });
  await Promise.resolve();
  expect(socket.closed?.code).toBe(1008);
  expect(await socket.heard()).toEqual([]);
});

test("a reason is as short as a close frame must have it, and ends with a whole character", async () => {
  const { socket } = openSocket();
  socket.emit("message", JSON.stringify({ type: "é".repeat(500) }));
  const { reason = "" } = socket.closed ?? {};
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  expect(reason).not.toContain("\uFFFD");
});

test("a socket that lets programs use few codes only", async () => {
  const { socket } = openSocket();
  const close = socket.close.bind(socket);
  socket.close = (code?: number) => {
    if (code !== undefined) throw new RangeError("the code must be 1000, or 3000 and above");
    close();
  };
  socket.say(execute(1, "SELECT 1"));
  expect(socket.closed).toEqual({ code: undefined, reason: undefined });
});
