import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { WsSyncSocket } from "../../src/sockets/ws-sync-socket.js";

/** A connection that counts what it is given at once, and a socket that does no more than write to it. */
function open() {
  const calls: string[] = [];
  const connection = new Duplex({
    read() {},
    writev(chunks, callback) {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join(" "));
      callback();
    },
  });
  const socket = { send: (data: Uint8Array) => connection.write(data) } as unknown as WebSocket;
  return { calls, sync: new WsSyncSocket(socket, connection), connection };
}

test("messages that are sent at the same moment are written by one call, and nothing waits longer", async () => {
  const { calls, sync } = open();
  sync.send(Buffer.from("header"));
  sync.send(Buffer.from("pages"));
  sync.send(Buffer.from("end"));
  await Promise.resolve();
  expect(calls).toEqual(["header pages end"]);
  sync.send(Buffer.from("next"));
  await Promise.resolve();
  expect(calls).toEqual(["header pages end", "next"]);
});

test("a connection that ends meanwhile still sends what it was given", async () => {
  const { calls, sync, connection } = open();
  sync.send(Buffer.from("the last words"));
  connection.end();
  await new Promise((resolve) => connection.once("finish", resolve));
  expect(calls).toEqual(["the last words"]);
});
