import type { RemoteStep, RemoteStepResult } from "./protocol-io.js";

/** Whether a step of a batch runs after what the one before it did: for remotes that run batches themselves. */
export function stepRuns(
  { condition }: RemoteStep,
  previous: RemoteStepResult | undefined,
  inTransaction: boolean,
): boolean {
  switch (condition) {
    case "always":
      return true;
    case "in-transaction":
      return inTransaction;
    case "previous-ok":
      return previous === undefined || previous.type === "ok";
  }
}
