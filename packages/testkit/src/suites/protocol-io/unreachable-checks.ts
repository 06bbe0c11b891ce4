import { equal, ok } from "node:assert/strict";
import { type ProtocolIo, SyncError } from "@tributary/core";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import type { ProtocolIoContext } from "./protocol-io-context.js";
import { step } from "./steps.js";

/** What is done with a remote that does not answer. */
const CALLS: readonly (readonly [string, (remote: ProtocolIo) => unknown])[] = [
  ["startPull", (remote) => remote.startPull({ longPollTimeoutMs: 0 })],
  ["runRemoteBatch", (remote) => remote.runRemoteBatch({ steps: [step("SELECT 1")], repeatable: true })],
  [
    "runRemoteBatch of what must not run twice",
    (remote) => remote.runRemoteBatch({ steps: [step("SELECT 1")], repeatable: false }),
  ],
];

/** A remote that is out of reach. */
export const unreachableChecks: readonly Check<ProtocolIoContext>[] = CALLS.map(([name, call]) => ({
  name: `${name} says that the remote is unreachable`,
  async run({ unreachable }) {
    ok(unreachable !== undefined, "without inProcess, the set-up gives unreachable");
    const error = await expectFailure(() => call(unreachable), name);
    ok(error instanceof SyncError, `a SyncError, not ${error.name}: ${error.message}`);
    equal(error.code, "unreachable");
  },
}));
