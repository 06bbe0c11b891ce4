import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { NetworkTotals } from "../metrics/server-metrics.js";

/** The connections and running requests of an HTTP server, also of those that became WebSockets. */
export class Connections {
  readonly #sockets = new Set<Socket>();
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #received = 0;
  #sent = 0;

  constructor(server: Server) {
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        this.#received += socket.bytesRead;
        this.#sent += socket.bytesWritten;
      });
    });
    server.on("request", (_request, response) => {
      this.#running++;
      // Comes once the answer is on its way as a whole, or the connection is gone.
      response.once("close", () => {
        this.#running--;
        if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
      });
    });
  }

  /** Resolves once no request is running. */
  whenIdle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve));
  }

  /** Cuts all of them. Node's `closeAllConnections` leaves WebSockets. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  totals(): NetworkTotals {
    let received = this.#received;
    let sent = this.#sent;
    for (const socket of this.#sockets) {
      received += socket.bytesRead;
      sent += socket.bytesWritten;
    }
    return { received, sent };
  }
}
