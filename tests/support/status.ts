import type { ReplicaStatus } from "@tributary/replica";
import type { Replica } from "./replicas.js";

/** Resolves with the first status that is as wanted. The test's own time limit ends the waiting. */
export async function untilStatus(
  replica: Replica,
  isWanted: (status: ReplicaStatus) => boolean,
): Promise<ReplicaStatus> {
  for await (const status of replica.watchStatus()) if (isWanted(status)) return status;
  throw new Error("The replica was closed before its status was as wanted.");
}

/** Resolves once a replica is live. */
export function untilLive(replica: Replica): Promise<ReplicaStatus> {
  return untilStatus(replica, ({ state }) => state === "live");
}

/** Resolves once a query gives these rows: looks after each change that the replica tells of. */
export function untilRows(replica: Replica, sql: string, wanted: unknown[][]): Promise<void> {
  const expected = JSON.stringify(wanted);
  const isThere = (): boolean => JSON.stringify(replica.db.prepare(sql).raw().all()) === expected;
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isThere()) return;
      stop();
      resolve();
    };
    const stop = replica.onChange(look);
    look();
  });
}
