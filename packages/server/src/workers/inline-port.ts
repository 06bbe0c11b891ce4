import type { ServerClock } from "../server-clock.js";
import { SqlHost } from "../sql-host/sql-host.js";
import type { StartWorker } from "./worker-port.js";

/** A host in this thread. Nothing can end a statement that runs here. */
export function inlineWorkers(clock: ServerClock): StartWorker {
  return ({ onMessage, onEnd }) => {
    let ended = false;
    const host = new SqlHost((message) => {
      if (!ended) onMessage(message);
    }, clock);
    return {
      send: (message) => host.receive(message),
      keepAlive: () => {},
      kill() {
        if (ended) return;
        ended = true;
        queueMicrotask(() => onEnd("it was ended"));
      },
    };
  };
}
