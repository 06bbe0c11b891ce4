import type { Check, SetUp } from "./check.js";
import { describeChecks } from "./describe-checks.js";
import { batchChecks, sqlCodeChecks } from "./protocol-io/batch-checks.js";
import type { ProtocolIoContext, ProtocolIoOptions } from "./protocol-io/protocol-io-context.js";
import { pullChecks } from "./protocol-io/pull-checks.js";
import { leftOpenChecks, transactionChecks } from "./protocol-io/transaction-checks.js";
import { unreachableChecks } from "./protocol-io/unreachable-checks.js";

/** The promises of `ProtocolIo`, one by one. */
export function protocolIoChecks(options: ProtocolIoOptions = {}): readonly Check<ProtocolIoContext>[] {
  return [
    ...pullChecks,
    ...batchChecks,
    ...transactionChecks,
    ...(options.sqlCodes === false ? [] : sqlCodeChecks),
    ...(options.sharedConnection === true ? [] : leftOpenChecks),
    ...(options.inProcess === true ? [] : unreachableChecks),
  ];
}

/** The acceptance suite of the remote port: makes a test of each promise. `setUp` is called for each of them. */
export function describeProtocolIo(
  name: string,
  setUp: SetUp<ProtocolIoContext>,
  options: ProtocolIoOptions = {},
): void {
  describeChecks(`${name} as ProtocolIo`, protocolIoChecks(options), setUp);
}
