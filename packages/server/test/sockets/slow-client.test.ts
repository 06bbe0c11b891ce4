import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createSyncServer, type SyncSocket, toUpgradeListener } from "../../src/index.js";
import { tempDirectory } from "../support/temp-directory.js";
import { execute, request } from "./open-socket.js";

const MIB = 1024 * 1024;
const ANSWERS = 40;

test("a client that reads slowly gets everything, and little of it waits in memory", async () => {
  const server = createSyncServer({ path: join(tempDirectory(), "server.db"), maxWorkers: 0 });
  let most = 0;
  let onFull: () => void = () => {};
  const full = new Promise<void>((resolve) => {
    onFull = resolve;
  });
  const listener = toUpgradeListener({
    acceptSocket(socket, upgraded) {
      const watched: SyncSocket = {
        protocol: socket.protocol,
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        send(data) {
          socket.send(data);
          most = Math.max(most, socket.bufferedAmount);
          if (socket.bufferedAmount > 8 * MIB) onFull();
        },
        close: (code, reason) => socket.close(code, reason),
        addEventListener: socket.addEventListener.bind(socket) as SyncSocket["addEventListener"],
      };
      server.acceptSocket(watched, upgraded);
    },
  });
  const http = createServer();
  http.on("upgrade", listener);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, ["hrana3"]);
  onTestFinished(async () => {
    client.terminate();
    await server.close();
    await new Promise((resolve) => http.close(resolve));
  });
  await new Promise((resolve) => client.once("open", resolve));
  const lengths: number[] = [];
  const done = new Promise<void>((resolve) => {
    client.on("message", (data: Buffer) => {
      if (data.length > MIB) lengths.push(data.length);
      if (lengths.length === ANSWERS) resolve();
    });
  });
  client.pause();
  client.send(JSON.stringify({ type: "hello", jwt: null }));
  client.send(JSON.stringify(request(0, { type: "open_stream", stream_id: 1 })));
  const sql = `SELECT hex(zeroblob(${MIB / 2}))`;
  for (let id = 1; id <= ANSWERS; id++) client.send(JSON.stringify(execute(id, sql)));
  await full;
  client.resume();
  await done;
  expect(new Set(lengths).size).toBeLessThanOrEqual(2);
  // One answer was begun before the limit was reached.
  expect(most).toBeLessThan(10 * MIB);
});
