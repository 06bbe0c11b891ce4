import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Channel } from "@tributary/core";
import { describeChannel } from "@tributary/testkit";
import { afterAll, beforeAll, expect } from "vitest";
import { createEventStreamAcceptor, createEventStreamConnect } from "../src/index.js";

const NEVER = new AbortController().signal;
const accepted: Channel[] = [];
const acceptor = createEventStreamAcceptor({ onChannel: (channel) => accepted.push(channel) });

let server: Server;
const connections = new Set<Socket>();
beforeAll(async () => {
  server = createServer(getRequestListener((request) => acceptor.fetch(request)));
  server.on("connection", (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  cut();
  server.close();
});

function cut(): void {
  for (const connection of connections) connection.destroy();
}

describeChannel(
  "server-sent events",
  async () => {
    const { port } = server.address() as { port: number };
    const connect = createEventStreamConnect({ url: `http://127.0.0.1:${port}/channel`, attempts: 1 });
    const left = await connect(NEVER);
    const right = accepted.shift() ?? expect.fail("a channel is accepted");
    return {
      left,
      right,
      cut,
      cleanUp: () => {
        left.close();
        right.close();
      },
    };
  },
  { canCut: true },
);
