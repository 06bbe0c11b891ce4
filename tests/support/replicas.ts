import { join } from "node:path";
import { openReplica, type ReplicaOptions } from "@tributary/replica";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary-directory.js";

/** A replica. */
export type Replica = Awaited<ReturnType<typeof openReplica>>;

/** Opens a replica for one test, in a directory of its own unless told otherwise. */
export async function replicaOf(
  url: ReplicaOptions["url"],
  options: Partial<Omit<ReplicaOptions, "url">> = {},
): Promise<Replica> {
  const replica = await openReplica({ path: join(temporaryDirectory(), "replica.db"), url, ...options });
  onTestFinished(() => replica.close());
  return replica;
}

/** The rows of a query, by position. */
export function rows(replica: Replica, sql: string): unknown[][] {
  return replica.db.prepare(sql).raw().all() as unknown[][];
}
