import { cpSync, existsSync } from "node:fs";
import { copyDatabase } from "../../support/copy-database.js";

/** Copies a database and what is kept for its offline replicas, as a process that is killed now leaves them. Gives the path. */
export function copyOffline(path: string): string {
  const copy = copyDatabase(path);
  if (existsSync(`${path}-offline`)) cpSync(`${path}-offline`, `${copy}-offline`, { recursive: true });
  return copy;
}
