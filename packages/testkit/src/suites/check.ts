import type { MaybePromise } from "@tributary/core";

/** What a set-up gives, fresh for each check. */
export interface CheckContext {
  /** Called after the check, whether it passed or not. */
  cleanUp?(): MaybePromise<void>;
}

/** One promise of a port. It fails by throwing, so it can be run by a test runner, and against a broken adapter. */
export interface Check<C extends CheckContext> {
  readonly name: string;
  run(context: C): Promise<void>;
}

/** Makes what one check needs. */
export type SetUp<C extends CheckContext> = () => MaybePromise<C>;

/** Runs one check on a context of its own. Rejects when it fails. */
export async function runCheck<C extends CheckContext>(check: Check<C>, setUp: SetUp<C>): Promise<void> {
  const context = await setUp();
  try {
    await check.run(context);
  } catch (error) {
    // A check that failed may leave open what keeps the clean-up from its work; the check is what to tell of.
    await Promise.allSettled([(async () => context.cleanUp?.())()]);
    throw error;
  }
  await context.cleanUp?.();
}

/** A check that failed, and what it threw. */
export interface CheckFailure {
  readonly name: string;
  readonly error: unknown;
}

/** Runs checks one after the other and gives those that fail: for other test runners, and adapters that ought to fail. */
export async function failedChecks<C extends CheckContext>(
  checks: readonly Check<C>[],
  setUp: SetUp<C>,
): Promise<readonly CheckFailure[]> {
  const failures: CheckFailure[] = [];
  for (const check of checks) {
    try {
      await runCheck(check, setUp);
    } catch (error) {
      failures.push({ name: check.name, error });
    }
  }
  return failures;
}
