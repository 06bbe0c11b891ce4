import type { InboundStreamOptions } from "@tributary/core";
import type { ChangeStreams } from "@tributary/live";
import type Database from "better-sqlite3";
import { addChangesTable } from "./changes-table.js";
import { InboxTable } from "./inbox-table.js";

/** Change streams as the app's SQL sees them. */
export interface StreamSql {
  /** To be called after each commit of the connection, before its statement returns: applies what is in the inbox. */
  afterCommit(): void;
  /** To be called when the connection's TEMP database was emptied. */
  restore(): void;
}

/**
 * Gives a connection of the app's the table-valued function `tributary_changes` and the table `tributary_inbox`.
 *
 * @param inbox How packages in the inbox are applied.
 */
export function addStreamSql(
  db: Database.Database,
  streams: ChangeStreams,
  inbox: Omit<InboundStreamOptions, "from" | "since"> = {},
): StreamSql {
  addChangesTable(db, (options) => streams.createOutboundStream(options));
  const table = new InboxTable(db, (options) => streams.createInboundStream(options), inbox);
  return {
    afterCommit: () => table.applyWaiting(),
    restore: () => table.restore(),
  };
}
