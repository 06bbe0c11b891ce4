import type { Channel } from "@tributary/core";
import { describeChannel } from "@tributary/testkit";
import { afterAll, beforeAll, expect } from "vitest";
import { WebSocket } from "ws";
import { multiplexSocket } from "../src/index.js";
import { type SocketServer, startSocketServer } from "./support/socket-server.js";

let server: SocketServer;
beforeAll(async () => {
  server = await startSocketServer();
});
afterAll(() => server.close());

/** The app's own traffic, before, between and after ours. */
function chat(socket: WebSocket): { readonly heard: string[]; stop(): void } {
  const heard: string[] = [];
  const timer = setInterval(() => {
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount === 0) {
      socket.send("hello");
      socket.send(Buffer.from("binary hello"));
    }
  }, 1);
  return { heard, stop: () => clearInterval(timer) };
}

describeChannel(
  "a socket that is shared with an app, and with another tag",
  async () => {
    const client = new WebSocket(server.url);
    const [socket] = await Promise.all([
      server.nextSocket(),
      new Promise((resolve) => client.once("open", resolve)),
    ]);
    client.on("error", () => {});
    const chats = [chat(client), chat(socket)] as const;
    let right: Channel | undefined;
    const muxes = [
      [multiplexSocket(client), multiplexSocket(client, { tag: "tributary-2" })],
      [
        multiplexSocket(socket, {
          onChannel: (channel) => {
            right = channel;
          },
        }),
        multiplexSocket(socket, { tag: "tributary-2", onChannel: echo }),
      ],
    ] as const;
    [client, socket].forEach((end, index) => {
      end.on("message", (data, isBinary) => {
        for (const mux of muxes[index] ?? []) if (mux.take(data, isBinary)) return;
        chats[index]?.heard.push(String(data));
      });
    });
    const noise = muxes[0][1].open();
    noise.listen({ onMessage: (message) => void noise.send(message), onDrain() {}, onClose() {} });
    noise.send(new Uint8Array(100));
    const left = muxes[0][0].open();
    // An answer to a message of the app's own: the frame that opens the channel was before it.
    const opened = new Promise((resolve) => client.once("pong", resolve));
    client.ping();
    await opened;
    return {
      left,
      right: right as unknown as Channel,
      cut: () => server.cut(),
      cleanUp: () => {
        for (const { heard, stop } of chats) {
          stop();
          // Nothing of ours has reached the app.
          for (const text of heard) expect(["hello", "binary hello"]).toContain(text);
        }
        server.cut();
      },
    };
  },
  { canCut: true, holdsBack: false },
);

function echo(channel: Channel): void {
  channel.listen({ onMessage: (message) => void channel.send(message), onDrain() {}, onClose() {} });
}
