import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";

/** A server of `ws` on a port of the system's choice, and what to wait for. */
export interface SocketServer {
  readonly http: Server;
  readonly url: string;
  /** The next socket that is accepted. */
  nextSocket(): Promise<WebSocket>;
  /** Cuts every connection, without a word. */
  cut(): void;
  close(): Promise<void>;
}

/** Options of the socket server. */
export interface SocketServerOptions extends ServerOptions {
  /** Answers what is no socket. */
  readonly onRequest?: RequestListener;
  /** It knows nothing of sockets. Default false. */
  readonly isPlain?: boolean;
}

export async function startSocketServer(options: SocketServerOptions = {}): Promise<SocketServer> {
  const http = createServer(options.onRequest);
  const connections = new Set<Socket>();
  http.on("connection", (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
  });
  const sockets: WebSocket[] = [];
  const waiting: ((socket: WebSocket) => void)[] = [];
  const server = options.isPlain === true ? undefined : new WebSocketServer({ ...options, server: http });
  server?.on("connection", (socket) => {
    socket.on("error", () => {});
    const next = waiting.shift();
    if (next === undefined) sockets.push(socket);
    else next(socket);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    for (const connection of connections) connection.destroy();
    await new Promise<void>((resolve) => void http.close(() => resolve()));
  };
  return {
    http,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    nextSocket() {
      const socket = sockets.shift();
      if (socket !== undefined) return Promise.resolve(socket);
      return new Promise((resolve) => void waiting.push(resolve));
    },
    cut() {
      for (const connection of connections) connection.destroy();
    },
    close,
  };
}

/** The same, closed when the test has ended. */
export async function socketServer(options: SocketServerOptions = {}): Promise<SocketServer> {
  const server = await startSocketServer(options);
  onTestFinished(() => server.close());
  return server;
}
