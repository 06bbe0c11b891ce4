import { equal } from "node:assert/strict";
import type { Check } from "../check.js";
import { runInOtherProcess } from "../other-process.js";
import type { SqlIoContext } from "./sql-io-context.js";

/** `acquireLock` and `releaseLock`. */
export const lockChecks: readonly Check<SqlIoContext>[] = [
  {
    name: "the lock is one port's, until it is released",
    async run({ sql, secondSql, path }) {
      equal(await sql.acquireLock(path), true, "the first");
      equal(await secondSql.acquireLock(path), false, "the second");
      equal(await secondSql.acquireLock(path), false, "the second, again");
      await sql.releaseLock();
      equal(await secondSql.acquireLock(path), true, "the second, after the release");
      equal(await sql.acquireLock(path), false, "the first, now the other way round");
      await secondSql.releaseLock();
      equal(await sql.acquireLock(path), true, "the first, again");
      await sql.releaseLock();
    },
  },
  {
    name: "the lock is held while connections are opened and closed",
    async run({ sql, secondSql, path }) {
      equal(await sql.acquireLock(path), true);
      await sql.openConnections(path);
      equal(await secondSql.acquireLock(path), false, "with open connections");
      await sql.closeConnections();
      equal(await secondSql.acquireLock(path), false, "after closing them");
      await sql.releaseLock();
      equal(await secondSql.acquireLock(path), true, "after the release");
      await secondSql.releaseLock();
    },
  },
  {
    name: "the lock is that of one path",
    async run({ sql, secondSql, path }) {
      equal(await sql.acquireLock(path), true);
      equal(await secondSql.acquireLock(`${path}-other.db`), true);
      await sql.releaseLock();
      await secondSql.releaseLock();
    },
  },
  {
    name: "releaseLock does nothing where no lock is held",
    async run({ sql, secondSql, path }) {
      await sql.releaseLock();
      equal(await sql.acquireLock(path), true);
      await secondSql.releaseLock();
      equal(await secondSql.acquireLock(path), false, "what another port does not hold, it does not release");
      await sql.releaseLock();
      await sql.releaseLock();
    },
  },
  {
    name: "the lock keeps no readers out",
    async run({ sql, path }) {
      equal(await sql.acquireLock(path), true);
      await sql.openConnections(path);
      await sql.executeSql("writer", "CREATE TABLE t (a)");
      const end = await runInOtherProcess(path, "BEGIN; SELECT * FROM t");
      await end();
      await sql.closeConnections();
      await sql.releaseLock();
    },
  },
];
