import { PUSH_POSITION_TABLE } from "@tributary/core";
import Database from "better-sqlite3";

/**
 * How far the frames of a branch were merged into a database, by the row that each merge leaves in the same transaction:
 * its position then. Undefined: nothing of it was. Reads what is committed, by a connection of its own. Throws an error of
 * SQLite.
 */
export function readMergedPosition(path: string, clientId: string): number | undefined {
  const connection = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const tables = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
    if (tables.get(PUSH_POSITION_TABLE) === undefined) return undefined;
    const sql = `SELECT change_id FROM main.${PUSH_POSITION_TABLE} WHERE client_id = ?`;
    const position = connection.prepare(sql).pluck().get(clientId);
    return typeof position === "number" ? position : undefined;
  } finally {
    connection.close();
  }
}
