import { fail, ok } from "node:assert/strict";
import type { MaybePromise } from "@tributary/core";

/** The error of a call that has to fail, whether it throws or rejects. */
export async function expectFailure(call: () => MaybePromise<unknown>, what: string): Promise<Error> {
  try {
    await call();
  } catch (error) {
    ok(error instanceof Error, `${what}: what is thrown is an Error`);
    return error;
  }
  return fail(`${what}: it has to fail`);
}
