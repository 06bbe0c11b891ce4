export { canonicalPath } from "./canonical-path.js";
export type { BetterSqlite3Io, BetterSqlite3Options } from "./create-better-sqlite3.js";
export { createBetterSqlite3 } from "./create-better-sqlite3.js";
export { ReplicaDatabase } from "./replica-database.js";
