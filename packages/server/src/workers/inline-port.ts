import type { ServerClock } from "../server-clock.js";
import { SqlHost } from "../sql-host/sql-host.js";
import type { StartWorker } from "./worker-port.js";

/** A host in this thread. Nothing can end a statement that runs here. */
export function inlineWorkers(clock: ServerClock): StartWorker {
  return ({ onMessages, onEnd }) => {
    let ended = false;
    const host = new SqlHost((messages) => {
      if (!ended) onMessages(messages);
    }, clock);
    return {
      send: (messages) => host.receive(messages),
      keepAlive: () => {},
      kill() {
        if (ended) return;
        ended = true;
        host.close();
        queueMicrotask(() => onEnd("it was ended"));
      },
    };
  };
}
