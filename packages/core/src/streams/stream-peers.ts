import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { hasTable } from "../engine/local-values.js";
import { runOrFail } from "../engine/run-or-fail.js";
import type { StreamHost } from "./stream-host.js";
import type { StreamPeer } from "./stream-options.js";
import { STREAM_TABLES } from "./stream-schema.js";
import { trimInTransaction } from "./trim-tape.js";
import { writing } from "./write-transaction.js";

/** `sent` of a receiver whose snapshot is under way: `acknowledged` is then only what its changes go on from. */
export const SNAPSHOT_UNDER_WAY = -1;

/** The receivers that are known by name, and how far they have come. */
export function listPeers(host: StreamHost): readonly StreamPeer[] {
  return host.run(readPeers());
}

/** Nothing is kept for this receiver any more. Should it come back, it begins with a snapshot. Fails with `database-busy`. */
export function forgetPeer(host: StreamHost, name: string): void {
  host.run(forget(host, name));
}

function* forget(host: StreamHost, name: string): Coroutine<void> {
  if (!(yield* hasTable(STREAM_TABLES.peer))) return;
  yield* writing(function* () {
    yield* runOrFail([{ sql: `DELETE FROM main.${STREAM_TABLES.peer} WHERE name = ?`, params: [name] }]);
    yield* trimInTransaction(host);
  });
}

function* readPeers(): Coroutine<readonly StreamPeer[]> {
  if (!(yield* hasTable(STREAM_TABLES.peer))) return [];
  const sql = `SELECT name, acknowledged, sent, acknowledged_at, is_behind FROM main.${STREAM_TABLES.peer} ORDER BY name`;
  const rows = yield* io.querySql("writer", sql);
  return rows.map(([name, acknowledged, sent, at, behind]) => {
    const hasNothing = Number(sent) === SNAPSHOT_UNDER_WAY;
    return {
      name: String(name),
      acknowledged: hasNothing ? 0 : Number(acknowledged),
      sent: hasNothing ? 0 : Number(sent),
      lastAcknowledgedAt: at === null ? undefined : Number(at),
      isBehind: behind === 1n,
    };
  });
}

/** How a receiver is kept. */
export interface KeptPeer {
  readonly acknowledged: number;
  readonly sent: number;
  readonly isBehind: boolean;
}

/** What is kept of a receiver; `undefined`: it is not known. */
export function* readPeer(name: string): Coroutine<KeptPeer | undefined> {
  const sql = `SELECT acknowledged, sent, is_behind FROM main.${STREAM_TABLES.peer} WHERE name = ?`;
  const [row] = yield* io.querySql("writer", sql, [name]);
  if (row === undefined) return undefined;
  return { acknowledged: Number(row[0]), sent: Number(row[1]), isBehind: row[2] === 1n };
}

const SAVE_SQL = `INSERT INTO main.${STREAM_TABLES.peer} (name, acknowledged, sent, acknowledged_at, added_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET acknowledged = excluded.acknowledged, sent = excluded.sent, acknowledged_at = coalesce(excluded.acknowledged_at, acknowledged_at),
added_at = CASE WHEN excluded.acknowledged_at IS NULL THEN excluded.added_at ELSE added_at END, is_behind = 0`;

/**
 * Saves how far a receiver has come, inside the transaction that the caller began.
 *
 * @param isAck Whether it has just said so; else it begins here.
 */
export function* savePeer(
  name: string,
  { acknowledged, sent }: Pick<KeptPeer, "acknowledged" | "sent">,
  now: number,
  isAck: boolean,
): Coroutine<void> {
  const at = BigInt(Math.trunc(now));
  const params = [name, BigInt(acknowledged), BigInt(sent), isAck ? at : null, at];
  yield* runOrFail([{ sql: SAVE_SQL, params }]);
}
