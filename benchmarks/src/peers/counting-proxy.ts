import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Passes connections on to a server, and counts what goes over them. */
export interface CountingProxy {
  readonly url: string;
  /** Bytes from clients to the server, and back, headers included. */
  readonly sent: number;
  readonly received: number;
  close(): void;
}

export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let sent = 0;
  let received = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    sockets.add(client).add(upstream);
    client.on("data", (bytes) => {
      sent += bytes.length;
    });
    upstream.on("data", (bytes) => {
      received += bytes.length;
    });
    client.pipe(upstream).pipe(client);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      sockets.delete(client);
      sockets.delete(upstream);
    };
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    get sent() {
      return sent;
    },
    get received() {
      return received;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
