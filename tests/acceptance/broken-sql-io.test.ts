import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SqlIo, SqlValue } from "@tributary/core";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { sqlIoChecks } from "@tributary/testkit";
import Database from "better-sqlite3";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { type Break, testBreaks } from "./test-breaks.js";

const LOCK = "the lock is one port's, until it is released";
const VALUES = "values of every type come as they went";
const FAILURE = "runSql stops at the first statement that fails, and says which and why";
const IN_APP = "tryBeginWrite is refused while the app is in a transaction, also one that only reads";

function withValues(good: SqlIo, change: (value: SqlValue) => SqlValue): Partial<SqlIo> {
  return {
    querySql: async (connection, sql, params) =>
      (await good.querySql(connection, sql, params)).map((row) => row.map(change)),
  };
}

const BREAKS: readonly Break<SqlIo>[] = [
  { name: "everybody gets the lock", caughtBy: LOCK, broken: () => ({ acquireLock: () => true }) },
  { name: "the lock is never released", caughtBy: LOCK, broken: () => ({ releaseLock: () => {} }) },
  {
    name: "closing the connections releases the lock",
    caughtBy: "the lock is held while connections are opened and closed",
    broken: (good) => ({
      closeConnections: async () => {
        await good.closeConnections();
        await good.releaseLock();
      },
    }),
  },
  {
    name: "the writer checkpoints by itself",
    caughtBy: "no connection checkpoints by itself",
    broken: (good) => ({
      executeSql: async (connection, sql) => {
        await good.executeSql(connection, sql);
        await good.querySql(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
      },
    }),
  },
  {
    name: "opening a second file closes the first",
    caughtBy: "one file is open at a time",
    broken: (good) => ({
      openConnections: async (path) => {
        await good.closeConnections();
        await good.openConnections(path);
      },
    }),
  },
  {
    name: "closing leaves the connections open",
    caughtBy: "closeConnections closes all, the app's too, and leaves one file",
    broken: () => ({ closeConnections: () => {} }),
  },
  {
    name: "the guard is the writer",
    caughtBy: "tryBeginWrite begins a transaction, which COMMIT keeps and ROLLBACK undoes",
    broken: (good) => ({ querySql: (_connection, sql, params) => good.querySql("writer", sql, params) }),
  },
  {
    name: "the guard holds no transaction",
    caughtBy: "the guard sees one state while it holds a transaction, and keeps it in the log",
    broken: (good) => ({
      executeSql: (connection, sql) =>
        connection === "guard" ? undefined : good.executeSql(connection, sql),
    }),
  },
  {
    name: "integers are numbers",
    caughtBy: VALUES,
    broken: (good) => withValues(good, (value) => (typeof value === "bigint" ? Number(value) : value)),
  },
  {
    name: "whole numbers are integers",
    caughtBy: VALUES,
    broken: (good) =>
      withValues(good, (value) => (Number.isInteger(value) ? BigInt(value as number) : value)),
  },
  {
    name: "text ends at the first zero",
    caughtBy: VALUES,
    broken: (good) =>
      withValues(good, (value) => (typeof value === "string" ? (value.split("\0")[0] as string) : value)),
  },
  {
    name: "queryFile checkpoints the log",
    caughtBy: "queryFile reads a file that is not open, what its log holds too, and changes neither",
    broken: (good) => ({
      queryFile: (path, sql, params) => {
        new Database(path).pragma("wal_checkpoint(TRUNCATE)");
        return good.queryFile(path, sql, params);
      },
    }),
  },
  {
    name: "queryFile makes a file",
    caughtBy: "queryFile fails where no file is, and where it is no database",
    broken: (good) => ({
      queryFile: (path, sql, params) => {
        writeFileSync(path, "", { flag: "a" });
        return good.queryFile(path, sql, params);
      },
    }),
  },
  {
    name: "a write begins while the app is in a transaction",
    caughtBy: IN_APP,
    broken: (good) => ({
      tryBeginWrite: async () => {
        await good.executeSql("writer", "BEGIN");
        return true;
      },
    }),
  },
  {
    name: "a write begins while the app iterates",
    caughtBy: "tryBeginWrite is refused while the app iterates over a query",
    broken: (good) => ({
      tryBeginWrite: async () => {
        await good.executeSql("writer", "BEGIN IMMEDIATE");
        return true;
      },
    }),
  },
  {
    name: "every change is a boundary",
    caughtBy: "transactionBoundaries are ends of the app's transactions, ascending",
    broken: () => ({ transactionBoundaries: () => [1, 2, 3, 4, 5, 6] }),
  },
  {
    name: "runSql goes on after a failure",
    caughtBy: FAILURE,
    broken: (good) => ({
      runSql: async (statements) => {
        let first: Awaited<ReturnType<SqlIo["runSql"]>>;
        for (const [index, statement] of statements.entries()) {
          const failure = await good.runSql([statement]);
          if (failure !== undefined) first ??= { ...failure, index };
        }
        return first;
      },
    }),
  },
  {
    name: "a failure has SQLite's primary code only",
    caughtBy: FAILURE,
    broken: (good) => ({
      runSql: async (statements) => {
        const failure = await good.runSql(statements);
        return failure && { ...failure, sqlCode: failure.sqlCode.split("_").slice(0, 2).join("_") };
      },
    }),
  },
  {
    name: "a failure throws",
    caughtBy: FAILURE,
    broken: (good) => ({
      runSql: async (statements) => {
        const failure = await good.runSql(statements);
        if (failure !== undefined) throw new Error(failure.message);
        return undefined;
      },
    }),
  },
  {
    name: "runSql does not capture",
    caughtBy: "runSql runs all statements on the writer, and captures them",
    broken: (good) => ({
      runSql: async (statements) => {
        const failure = await good.runSql(statements);
        await good.runSql([{ sql: "DELETE FROM tributary_tape", params: [] }]);
        return failure;
      },
    }),
  },
  {
    name: "the app's connection does not capture",
    caughtBy: "capture: inserts, updates and deletes of the app's, in order",
    broken: (good) => ({
      refreshCapture: (connection) => (connection === "app" ? undefined : good.refreshCapture(connection)),
    }),
  },
  {
    name: "capture stays as it was when the schema changes underneath",
    caughtBy: "refreshCapture makes capture fit a schema that changed underneath, and a tape made anew",
    broken: (good) => {
      let calls = 0;
      return { refreshCapture: (connection) => (calls++ < 2 ? good.refreshCapture(connection) : undefined) };
    },
  },
  {
    name: "refreshing the capture writes each time",
    caughtBy: "refreshCapture writes nothing where nothing changed",
    broken: (good) => ({
      refreshCapture: async (connection) => {
        await good.refreshCapture(connection);
        await good.executeSql(
          "writer",
          "CREATE TABLE IF NOT EXISTS noise (a); DELETE FROM noise; DROP TABLE noise",
        );
      },
    }),
  },
];

testBreaks("the suite of SqlIo fails where", sqlIoChecks({ canIterate: true }), BREAKS, (wrap) => () => {
  const [sql, secondSql] = [createBetterSqlite3(), createBetterSqlite3()];
  return {
    sql: wrap(sql),
    secondSql: wrap(secondSql),
    path: join(temporaryDirectory(), "app.db"),
    execute: (statements: string) => sql.db.exec(statements),
    iterate: (query: string) => {
      const rows = sql.db.prepare(query).iterate();
      rows.next();
      return () => void rows.return?.();
    },
    cleanUp: () => {
      // Statements that a broken check has left open would keep the app's connection from closing.
      for (const port of [sql, secondSql]) {
        port.closeConnections();
        port.releaseLock();
      }
    },
  };
});
