import { openCapturedDatabase } from "@tributary/streams";
import type { Job } from "./job.js";
import { CREATE_ITEMS, INSERT_ITEM, itemRows } from "./rows.js";

/** What a row takes in the packages of a change stream, which are the same on the way to a server and from it. */
export const streamBytes: Job<{ path: string; rows: number }> = async ({ path, rows }) => {
  const database = openCapturedDatabase({ path });
  const { db } = database;
  db.exec(CREATE_ITEMS);
  const stream = database.createOutboundStream({ to: "receiver", since: "now" });
  const insert = db.prepare(INSERT_ITEM);
  db.transaction(() => {
    for (const row of itemRows(1_000_000, rows)) insert.run(...row);
  })();
  let bytes = 0;
  for (let next = stream.next(); next !== undefined; next = stream.next()) {
    bytes += next.payload.length;
    next.ack();
  }
  stream.close();
  database.close();
  if (bytes < rows) throw new Error(`${rows} rows in ${bytes} bytes`);
  return { "pushed row, bytes": bytes / rows, "pulled row, bytes": bytes / rows };
};
