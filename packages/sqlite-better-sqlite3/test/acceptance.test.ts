import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeSqlIo } from "@tributary/testkit";
import { createBetterSqlite3 } from "../src/index.js";

describeSqlIo(
  "better-sqlite3",
  () => {
    const directory = mkdtempSync(join(tmpdir(), "tributary-sqlite-"));
    const [sql, secondSql] = [createBetterSqlite3(), createBetterSqlite3()];
    return {
      sql,
      secondSql,
      path: join(directory, "app.db"),
      execute: (statements) => sql.db.exec(statements),
      iterate: (query) => {
        const rows = sql.db.prepare(query).iterate();
        rows.next();
        return () => void rows.return?.();
      },
      cleanUp: () => {
        for (const port of [sql, secondSql]) {
          port.closeConnections();
          port.releaseLock();
        }
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
  { canIterate: true },
);
