import {
  applyChanges,
  closeReplica,
  combinePorts,
  openReplica,
  type ProtocolIo,
  pushChanges,
  type ReplicaConfig,
  resumeApply,
  runAsync,
  waitChanges,
} from "@tributary/core";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import type Database from "better-sqlite3";
import { nodeClock } from "../../packages/replica/src/node-clock.js";
import { configOf } from "./engine.js";

/** A replica's engine over any remote, without the façade and its attempts to try again. */
export interface LiveEngine {
  readonly db: Database.Database;
  push(): Promise<void>;
  /** Resolves with whether something came and was applied. */
  pull(longPollTimeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
}

export async function openLiveEngine(
  path: string,
  remote: ProtocolIo,
  options: Partial<ReplicaConfig> = {},
): Promise<LiveEngine> {
  const sqlite = createBetterSqlite3();
  const ports = combinePorts({ files: createNodeStorage(), sql: sqlite, remote, clock: nodeClock });
  const session = await runAsync(openReplica(configOf(path, { pushAttempts: 1, ...options })), ports);
  return {
    db: sqlite.db,
    async push() {
      await runAsync(pushChanges(session), ports);
    },
    async pull(longPollTimeoutMs) {
      await runAsync(resumeApply(session), ports);
      const changes = await runAsync(waitChanges(session, { longPollTimeoutMs }), ports);
      if (changes === undefined) return false;
      try {
        return await runAsync(applyChanges(session, changes), ports);
      } finally {
        await runAsync(changes.dispose(), ports);
      }
    },
    close: () => runAsync(closeReplica(session), ports),
  };
}
