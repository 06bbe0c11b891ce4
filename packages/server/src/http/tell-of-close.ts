import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Answers to requests that came before their turn, by their connection. One listener for each would be too many. */
const queuedOf = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Node tells an answer that its connection has closed only where it is its turn: this tells one of a request that was sent
 * before the one in front had its answer.
 */
export function tellOfClose(response: ServerResponse, socket: Socket): void {
  if (response.socket !== null) return;
  const queued = queuedOf.get(socket) ?? watch(socket);
  queued.add(response);
  response.once("socket", () => queued.delete(response));
}

function watch(socket: Socket): Set<ServerResponse> {
  const queued = new Set<ServerResponse>();
  queuedOf.set(socket, queued);
  socket.once("close", () => {
    for (const response of queued) response.destroy().emit("close");
  });
  return queued;
}
