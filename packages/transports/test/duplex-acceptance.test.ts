import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describeChannel } from "@tributary/testkit";
import { afterAll, beforeAll } from "vitest";
import { createDuplexChannel } from "../src/index.js";

let server: Server;
beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

describeChannel(
  "a TCP connection",
  async () => {
    const { port } = server.address() as { port: number };
    const socket = connect({ port, host: "127.0.0.1" });
    const [[other]] = (await Promise.all([once(server, "connection"), once(socket, "connect")])) as [
      [Socket],
      unknown,
    ];
    const cut = (): void => {
      socket.destroy();
      other.destroy();
    };
    return { left: createDuplexChannel(socket), right: createDuplexChannel(other), cut, cleanUp: cut };
  },
  { canCut: true },
);
