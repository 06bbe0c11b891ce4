import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { runJob } from "../jobs/run-job.js";
import { SERVER_NAMES, type ServerKind } from "../peers/server-process.js";
import type { Subscription } from "../peers/subscribe.js";
import { sizeOf, watchGrowth } from "../peers/watch-growth.js";
import type { Question, Scale } from "../question.js";
import { withServer } from "./pairs.js";

const SUBSCRIPTIONS: readonly (readonly [Subscription, string])[] = [
  ["long-poll", "Tributary, long-polls"],
  ["websocket", "Tributary, WebSockets"],
];

/** There is no peer: Turso's server answers one connection at a time. */
export const IDLE: Question = {
  name: "idle",
  title: "What a server needs for 10,000 idle subscribers",
  rounds: 1,
  cases: SUBSCRIPTIONS.map(([subscription, name]) => ({
    name,
    run: (scale) =>
      withServer("tributary", ({ url, pid }) =>
        runJob("idleSubscribers", {
          url,
          pid,
          subscription,
          subscribers: scale === "short" ? 20 : Math.min(10_000, descriptors() - 200),
          // A keep-alive of every socket is in it.
          milliseconds: scale === "short" ? 200 : 47_000,
        }),
      ),
  })),
  targets: SUBSCRIPTIONS.map(([, of]) => ({ figure: "CPU, s/min", of, atMost: 0.6 })),
};

/** How many connections this process and its children may have; Node takes all that the system lets it have. */
function descriptors(): number {
  const limits = process.platform === "linux" ? readFileSync("/proc/self/limits", "utf8") : "";
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 1_024);
}

const KINDS: readonly ServerKind[] = ["tributary", "turso"];

/** Tributary's client pushes to both: Turso's would take its time. */
export const AFTER_PUSHES: Question = {
  name: "after-pushes",
  title: "Memory and files of a server into which 200,000 rows were pushed",
  rounds: 2,
  cases: KINDS.map((kind) => ({ name: SERVER_NAMES[kind], run: (scale) => measurePushes(kind, scale) })),
  targets: [
    { figure: "WAL at most, MB", of: SERVER_NAMES.tributary, atMost: 32 },
    { figure: "WAL after, MB", of: SERVER_NAMES.tributary, atMost: 16 },
  ],
};

function measurePushes(kind: ServerKind, scale: Scale): Promise<Record<string, number>> {
  return withServer(kind, async ({ url, pid }, directory) => {
    const file = `${directory}/server.db`;
    const before = sizeOf(pid, file);
    const growth = watchGrowth(pid, file);
    await runJob("pushRows", {
      client: "tributary",
      path: `${directory}/replica.db`,
      url,
      rows: scale === "short" ? 200 : 200_000,
    });
    const most = growth.end();
    // What is left for later, such as a checkpoint, is done by then.
    await delay(scale === "short" ? 100 : 2_000);
    const after = sizeOf(pid, file);
    return {
      "memory before, MB": before.memory,
      "memory at most, MB": most.memory,
      "memory after, MB": after.memory,
      "database, MB": after.database,
      "WAL at most, MB": most.log,
      "WAL after, MB": after.log,
      "other files, MB": after.others,
    };
  });
}
