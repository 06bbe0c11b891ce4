import { equal } from "node:assert/strict";
import type { ProtocolIo, RemoteStep, RemoteStepResult, SqlValue, StepCondition } from "@tributary/core";

/** A step of a batch. */
export function step(
  sql: string,
  condition: StepCondition = "always",
  params: readonly SqlValue[] = [],
): RemoteStep {
  return { sql, params, condition, wantRows: true };
}

/** Runs a batch that must not run twice; there is one result for each step. */
export async function runSteps(
  remote: ProtocolIo,
  ...steps: readonly RemoteStep[]
): Promise<readonly RemoteStepResult[]> {
  const results = await remote.runRemoteBatch({ steps, repeatable: false });
  equal(results.length, steps.length, "one result for each step");
  return results;
}

/** What became of the steps. */
export function typesOf(results: readonly RemoteStepResult[]): readonly string[] {
  return results.map(({ type }) => type);
}
