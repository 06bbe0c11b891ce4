import { writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { systemClock } from "../server-clock.js";
import type { FromHost, ToHost } from "./host-messages.js";
import { SqlHost } from "./sql-host.js";

// A process that runs SQL for a server, and ends with it.

try {
  // One statement can ask for more memory than there is: the process that runs it shall go then, and not the server.
  writeFileSync("/proc/self/oom_score_adj", "1000");
} catch {
  // Not every system has it.
}

const send = (messages: readonly FromHost[]): void => void process.send?.(messages);
const host = new SqlHost(send, systemClock);
send([{ type: "alive" }]);
process.on("message", (messages) => host.receive(messages as readonly ToHost[]));
process.on("disconnect", () => process.exit());
// Ctrl-C in a terminal and service managers signal the whole group; the server says when it is time to end.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

// Where the server is killed in the middle of a statement without an end, nobody else is left to end that.
const WATCH = `setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL"); }, 1000);`;
new Worker(WATCH, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } }).unref();
