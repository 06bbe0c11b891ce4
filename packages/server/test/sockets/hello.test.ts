import { expect, test } from "vitest";
import type { HelloAnswer } from "../../src/sockets/socket-host.js";
import { execute, openSocket, openStream, outline, request } from "./open-socket.js";

const HELLO = { type: "hello", jwt: "secret" };

test("a hello is answered, and requests that came with it are done after it", async () => {
  const { socket, host } = openSocket();
  expect(socket.binaryType).toBe("arraybuffer");
  let answer: (answer: HelloAnswer) => void = () => {};
  host.helloAnswer = new Promise((resolve) => {
    answer = resolve;
  });
  socket.say(HELLO, request(1, { type: "open_stream", stream_id: 7 }), execute(2, "SELECT 1", 7));
  expect(await socket.heard()).toEqual([]);
  expect(host.streams).toEqual([]);
  answer({ ok: true, grant: { access: "write", client: "ada" } });
  expect(outline(await socket.heard())).toEqual(["hello_ok", "1 ok", "2 ok"]);
  expect(host.hellos).toEqual(["secret"]);
  expect(host.grants).toEqual([{ access: "write", client: "ada" }]);
});

test("a hello without a token", async () => {
  const { socket, host } = openSocket("");
  socket.say({ type: "hello", jwt: null });
  expect(outline(await socket.heard())).toEqual(["hello_ok"]);
  expect(host.hellos).toEqual([undefined]);
});

test("a hello that is refused is answered, everything after it is not, and the socket is closed", async () => {
  const { socket, host } = openSocket();
  host.refuse({ message: "the token is not known", code: "AUTH_INVALID" });
  socket.say(HELLO, request(1, { type: "open_stream", stream_id: 1 }), HELLO);
  expect(await socket.heard()).toEqual([
    { type: "hello_error", error: { message: "the token is not known", code: "AUTH_INVALID" } },
  ]);
  expect(socket.closed).toEqual({ code: 1008, reason: "the hello was refused" });
  socket.say(HELLO);
  socket.emit("close");
  expect(await socket.heard()).toEqual([]);
  expect(host.hellos).toHaveLength(1);
  expect(host.closes).toEqual([undefined]);
});

test("a hello that cannot be looked at closes the socket, and the server is told why", async () => {
  const { socket, host } = openSocket();
  const error = new Error("no keys");
  host.helloAnswer = Promise.reject(error);
  socket.say(HELLO);
  expect(await socket.heard()).toEqual([]);
  expect(socket.closed).toEqual({ code: 1011, reason: "internal error" });
  expect(host.closes).toEqual([error]);
});

test("a request before the first hello", async () => {
  const { socket } = openSocket();
  socket.say(request(1, { type: "open_stream", stream_id: 1 }));
  expect(socket.closed).toEqual({ code: 1008, reason: "the first message must be a hello" });
});

test("a socket that says no hello is closed, one that does is not", async () => {
  const silent = openSocket();
  silent.host.clock.advance(999);
  expect(silent.socket.closed).toBeUndefined();
  silent.host.clock.advance(1);
  expect(silent.socket.closed).toEqual({ code: 1008, reason: "no hello came in time" });
  const { socket, host } = openSocket();
  socket.say(HELLO);
  await socket.heard();
  expect(host.clock.timerCount).toBe(0);
  host.clock.advance(1e9);
  expect(socket.closed).toBeUndefined();
});

test("a long message from somebody who has not said hello", () => {
  const { socket } = openSocket();
  socket.say({ type: "hello", jwt: "x".repeat(65 * 1024) });
  expect(socket.closed?.code).toBe(1009);
});

test.each(["hrana2", "hrana3"])("%s: hellos repeat, one answer each, in order", async (protocol) => {
  const { socket, host, stream } = await openStream(protocol);
  host.helloAnswer = { ok: true, grant: { access: "write", client: "bob" } };
  socket.say(HELLO, HELLO, request(1, { type: "open_stream", stream_id: 2 }), execute(2, "SELECT 1", 2));
  expect(outline(await socket.heard())).toEqual(["hello_ok", "hello_ok", "1 ok", "2 ok"]);
  expect(host.grants.at(-1)).toEqual({ access: "write", client: "bob" });
  expect(stream.isClosed).toBe(false);
  host.refuse({ message: "no", code: "AUTH_INVALID" });
  socket.say(HELLO);
  expect(outline(await socket.heard())).toEqual(["hello_error AUTH_INVALID"]);
  expect(socket.closed?.code).toBe(1008);
  expect(stream.isClosed).toBe(true);
});

test("what comes after a second hello waits for its answer", async () => {
  const { socket, host } = openSocket();
  const answers: ((answer: HelloAnswer) => void)[] = [];
  host.hello = () => new Promise((resolve) => answers.push(resolve));
  const store = (id: number) => request(id, { type: "store_sql", sql_id: id, sql: "SELECT 1" });
  socket.say(HELLO, store(1), HELLO, store(2));
  answers[0]?.({ ok: true, grant: { access: "write" } });
  expect(outline(await socket.heard())).toEqual(["hello_ok", "1 ok"]);
  answers[1]?.({ ok: true, grant: { access: "write" } });
  expect(outline(await socket.heard())).toEqual(["hello_ok", "2 ok"]);
});

test("a hello whose socket is gone when it is answered", async () => {
  const { socket, host } = openSocket();
  let answer: (answer: HelloAnswer) => void = () => {};
  host.helloAnswer = new Promise((resolve) => {
    answer = resolve;
  });
  socket.say(HELLO);
  await socket.heard();
  socket.emit("close");
  answer({ ok: true, grant: { access: "write", expiresAt: Date.now() + 60_000 } });
  expect(await socket.heard()).toEqual([]);
  expect(host.clock.timerCount).toBe(0);
});

test.each(["hrana1", ""])("the first version (%j) knows one hello", async (protocol) => {
  const { socket } = openSocket(protocol);
  socket.say(HELLO, HELLO);
  expect(outline(await socket.heard())).toEqual(["hello_ok"]);
  expect(socket.closed).toEqual({ code: 1008, reason: "a second hello needs hrana2" });
});

test("a hello that is granted less ends the streams that may do more", async () => {
  const { socket, host, stream } = await openStream();
  host.helloAnswer = { ok: true, grant: { access: "read" } };
  socket.say(execute(1, "wait"), HELLO, request(2, { type: "open_stream", stream_id: 2 }));
  expect(outline(await socket.heard())).toEqual(["hello_ok", "2 ok"]);
  expect(stream.isClosed).toBe(true);
  // What runs fails in one way or another, and is told why.
  stream.breakWith = new Error("killed");
  stream.finish();
  socket.say(execute(3, "SELECT 1"), execute(4, "SELECT 1", 2));
  expect(outline(await socket.heard())).toEqual(["4 ok", "1 ACCESS_CHANGED", "3 ACCESS_CHANGED"]);
  host.helloAnswer = { ok: true, grant: { access: "write" } };
  socket.say(HELLO, execute(5, "SELECT 1", 2));
  expect(outline(await socket.heard())).toEqual(["hello_ok", "5 ok"]);
});

test("a stream that is being opened when less is granted", async () => {
  const { socket, host } = openSocket();
  let open: () => void = () => {};
  host.opening = new Promise((resolve) => {
    open = resolve;
  });
  socket.say(HELLO, request(1, { type: "open_stream", stream_id: 1 }));
  await socket.heard();
  host.helloAnswer = { ok: true, grant: { access: "read" } };
  socket.say(HELLO);
  await socket.heard();
  open();
  socket.say(execute(2, "DELETE FROM t"));
  expect(outline(await socket.heard()).at(-1)).toBe("2 ACCESS_CHANGED");
  expect(host.streams[0]?.log).toEqual([]);
});

test("a socket is closed when its token expires", async () => {
  const { socket, host } = openSocket();
  host.helloAnswer = { ok: true, grant: { access: "write", expiresAt: Date.now() + 60_000 } };
  socket.say(HELLO);
  await socket.heard();
  host.clock.advance(50_000);
  expect(socket.closed).toBeUndefined();
  host.clock.advance(10_000);
  expect(socket.closed).toEqual({ code: 1008, reason: "the token has expired" });
});

test("a socket that is closed before its token expires", async () => {
  const { socket, host } = openSocket();
  host.helloAnswer = { ok: true, grant: { access: "write", expiresAt: Date.now() + 60_000 } };
  socket.say(HELLO);
  await socket.heard();
  expect(host.clock.timerCount).toBe(1);
  socket.emit("close");
  expect(host.clock.timerCount).toBe(0);
});

test("a new hello puts the end off, also one that is being looked at", async () => {
  const { socket, host } = openSocket();
  const days = 24 * 3600 * 1000;
  host.helloAnswer = { ok: true, grant: { access: "write", expiresAt: Date.now() + 60_000 } };
  socket.say(HELLO);
  await socket.heard();
  let answer: (answer: HelloAnswer) => void = () => {};
  host.helloAnswer = new Promise((resolve) => {
    answer = resolve;
  });
  socket.say(HELLO);
  host.clock.advance(60_000);
  expect(socket.closed).toBeUndefined();
  // Longer than a timer can be set for.
  answer({ ok: true, grant: { access: "write", expiresAt: Date.now() + 60 * days } });
  await socket.heard();
  host.clock.advance(59 * days);
  expect(socket.closed).toBeUndefined();
  host.clock.advance(days);
  expect(socket.closed?.reason).toBe("the token has expired");
});
