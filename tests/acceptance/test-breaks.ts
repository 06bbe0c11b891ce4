import { type Check, type CheckContext, failedChecks, type SetUp } from "@tributary/testkit";
import { describe, expect, test } from "vitest";

/** A way to implement a port wrongly, and the check that has to notice. */
export interface Break<P> {
  readonly name: string;
  readonly caughtBy: string;
  /** The methods that are wrong, over a port that is right. */
  broken(good: P): Partial<P>;
}

/** Tests that each broken adapter fails the check, and that without the break the check passes. */
export function testBreaks<P extends object, C extends CheckContext>(
  title: string,
  checks: readonly Check<C>[],
  breaks: readonly Break<P>[],
  setUpWith: (wrap: (good: P) => P) => SetUp<C>,
): void {
  describe(title, () => {
    for (const { name, caughtBy, broken } of breaks) {
      test(name, async () => {
        const caught = checks.filter((check) => check.name === caughtBy);
        expect(caught.map((check) => check.name)).toEqual([caughtBy]);
        const good = setUpWith((port) => port);
        expect(await failedChecks(caught, good)).toEqual([]);
        // Not spread: a port may have getters that throw while nothing is open.
        const bad = setUpWith((port) => Object.assign(Object.create(port) as P, broken(port)));
        const [failure] = await failedChecks(caught, bad);
        expect(failure?.name).toBe(caughtBy);
        // A break that is itself wrong would be caught by everything.
        expect(failure?.error).not.toBeInstanceOf(TypeError);
      });
    }
  });
}
