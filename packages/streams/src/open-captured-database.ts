import { closeCapture, openCapture, runSync, SyncError } from "@tributary/core";
import { canonicalPath, createBetterSqlite3, type ReplicaDatabase } from "@tributary/sqlite-better-sqlite3";
import { CapturedDatabase } from "./captured-database.js";
import { type CapturedDatabaseOptions, checkCapturedDatabaseOptions } from "./captured-database-options.js";
import { createChangeStreams } from "./create-change-streams.js";
import type { DatabaseStreams } from "./database-streams.js";
import { addStreamSql, type StreamSql } from "./sql/stream-sql.js";
import { streamClock } from "./stream-clock.js";
import { streamPorts } from "./stream-ports.js";

/** A tape that no stream reads does not grow without bound: it is looked at after so many commits. */
const COMMITS_PER_TRIM = 256;

/**
 * Opens a SQLite database, making it where there is none, and captures what is written through `db` from now on, so that
 * change streams can carry it to other databases. The file stays an ordinary one that any program may read; what another
 * program writes is not captured.
 *
 * @throws SyncError `invalid-option`, `replica-in-use` (open already, here or in another process), `invalid-state` (it is
 * the file of a replica), `sql-failed`, `io-failed`, `database-busy`.
 */
export function openCapturedDatabase(options: CapturedDatabaseOptions): CapturedDatabase {
  checkCapturedDatabaseOptions(options);
  const { name = "tributary", clock = streamClock, retention, inbox, database } = options;
  const path = canonicalPath(options.path);
  let streams: DatabaseStreams | undefined;
  let streamSql: StreamSql | undefined;
  let commits = 0;
  const sql = createBetterSqlite3({
    ...database,
    isReplica: false,
    onLocalCommit() {
      streams?.noteCommit();
      streamSql?.afterCommit();
      commits++;
      if (commits % COMMITS_PER_TRIM === 0) streams?.trim();
    },
    onTempEmptied: () => streamSql?.restore(),
  });
  const ports = streamPorts(sql, clock);
  const site = runSync(openCapture({ path, name }), ports);
  let isOpen = true;
  const guard = (): void => {
    if (!isOpen) throw new SyncError("invalid-state", "The database is closed.", { path });
  };
  const { db } = sql;
  const made = createChangeStreams({ sql, site, retention, isReplica: false, guard, clock });
  made.trim();
  streams = made;
  streamSql = addStreamSql(db, made, inbox);
  return new CapturedDatabase({
    path,
    db,
    streams: made,
    close() {
      if (db.open && db.inTransaction) rollBack(db);
      runSync(closeCapture(), ports);
      isOpen = false;
      made.close();
    },
  });
}

function rollBack(db: ReplicaDatabase): void {
  try {
    db.exec("ROLLBACK");
  } catch (cause) {
    throw new SyncError(
      "database-busy",
      "The transaction that is open cannot be rolled back: is a query still iterated over? Everything is still open.",
      { path: db.name, cause },
    );
  }
}
