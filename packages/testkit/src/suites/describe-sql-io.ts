import type { Check, SetUp } from "./check.js";
import { describeChecks } from "./describe-checks.js";
import { captureChecks } from "./sql-io/capture-checks.js";
import { connectionChecks } from "./sql-io/connection-checks.js";
import { lockChecks } from "./sql-io/lock-checks.js";
import { queryChecks } from "./sql-io/query-checks.js";
import { runChecks } from "./sql-io/run-checks.js";
import { schemaChecks } from "./sql-io/schema-checks.js";
import type { SqlIoContext, SqlIoOptions } from "./sql-io/sql-io-context.js";
import { iterationChecks, transactionChecks } from "./sql-io/transaction-checks.js";

/** The promises of `SqlIo`, one by one. */
export function sqlIoChecks(options: SqlIoOptions = {}): readonly Check<SqlIoContext>[] {
  return [
    ...lockChecks,
    ...connectionChecks,
    ...queryChecks,
    ...transactionChecks,
    ...(options.canIterate === true ? iterationChecks : []),
    ...runChecks,
    ...captureChecks,
    ...schemaChecks,
  ];
}

/** The acceptance suite of the SQL port: makes a test of each promise. `setUp` is called for each of them. */
export function describeSqlIo(name: string, setUp: SetUp<SqlIoContext>, options: SqlIoOptions = {}): void {
  describeChecks(`${name} as SqlIo`, sqlIoChecks(options), setUp);
}
