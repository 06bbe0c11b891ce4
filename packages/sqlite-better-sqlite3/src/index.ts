export { canonicalPath } from "./canonical-path.js";
export type { BetterSqlite3Io, BetterSqlite3Options } from "./create-better-sqlite3.js";
export { createBetterSqlite3 } from "./create-better-sqlite3.js";
export { createScratchSql } from "./create-scratch-sql.js";
export { isOpenElsewhere } from "./is-open-elsewhere.js";
export { ReplicaDatabase } from "./replica-database.js";
