import type { Check, SetUp } from "./check.js";
import { describeChecks } from "./describe-checks.js";
import { crashChecks } from "./io-operations/crash-checks.js";
import { diskChecks } from "./io-operations/disk-checks.js";
import { handleChecks } from "./io-operations/handle-checks.js";
import type { IoOperationsContext, IoOperationsOptions } from "./io-operations/io-operations-context.js";
import { openChecks } from "./io-operations/open-checks.js";
import { wholeFileChecks } from "./io-operations/whole-file-checks.js";

/** The promises of `IoOperations`, one by one. */
export function ioOperationsChecks(options: IoOperationsOptions = {}): readonly Check<IoOperationsContext>[] {
  return [
    ...openChecks,
    ...handleChecks,
    ...wholeFileChecks,
    ...(options.onDisk === true ? diskChecks : []),
    ...(options.canCrash === true ? crashChecks : []),
  ];
}

/** The acceptance suite of the file port: makes a test of each promise. `setUp` is called for each of them. */
export function describeIoOperations(
  name: string,
  setUp: SetUp<IoOperationsContext>,
  options: IoOperationsOptions = {},
): void {
  describeChecks(`${name} as IoOperations`, ioOperationsChecks(options), setUp);
}
