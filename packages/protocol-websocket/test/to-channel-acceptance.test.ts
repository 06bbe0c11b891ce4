import { type ChannelContext, describeChannel } from "@tributary/testkit";
import { afterAll, beforeAll } from "vitest";
import type { WebSocket } from "ws";
import { type ChannelSocket, createWebSocketConnect, toChannel } from "../src/index.js";
import { type SocketServer, startSocketServer } from "./support/socket-server.js";

let server: SocketServer;
beforeAll(async () => {
  server = await startSocketServer();
});
afterAll(() => server.close());

async function connected(toSocket: (socket: WebSocket) => ChannelSocket): Promise<ChannelContext> {
  const connect = createWebSocketConnect({ url: server.url });
  const [left, socket] = await Promise.all([connect(new AbortController().signal), server.nextSocket()]);
  return { left, right: toChannel(toSocket(socket)), cut: () => server.cut(), cleanUp: () => server.cut() };
}

describeChannel("a socket of its own", () => connected((socket) => socket), { canCut: true });

/** Only what Node's manner of events has. */
function inNodesManner(socket: WebSocket): ChannelSocket {
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    get readyState() {
      return socket.readyState;
    },
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    on: (type: "message" | "close" | "error", listener: (data?: unknown, isBinary?: unknown) => void) =>
      socket.on(type, listener),
  };
}

describeChannel(
  "a socket that has events in Node's manner, and cannot be paused",
  () => connected(inNodesManner),
  {
    canCut: true,
    // Nothing keeps a socket from reading that cannot be paused.
    holdsBack: false,
  },
);
