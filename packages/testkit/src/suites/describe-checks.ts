import { describe, test } from "vitest";
import { type Check, type CheckContext, runCheck, type SetUp } from "./check.js";

/** Makes one test of each check. */
export function describeChecks<C extends CheckContext>(
  name: string,
  checks: readonly Check<C>[],
  setUp: SetUp<C>,
): void {
  describe(name, () => {
    for (const check of checks) test(check.name, () => runCheck(check, setUp));
  });
}
