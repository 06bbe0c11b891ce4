import type { SqlValue } from "../hrana/hrana-value.js";

/**
 * When a step of a batch runs. `previous-ok`: the step before it in the same body ran without error; of the first one it
 * always holds. `in-transaction`: a transaction is open.
 */
export type LiveCondition = "always" | "previous-ok" | "in-transaction";

/** One statement of a batch. */
export interface LiveStep {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  readonly condition: LiveCondition;
  readonly wantRows: boolean;
}

/** What one step did; `skipped` when its condition did not hold. */
export type LiveStepResult =
  | { readonly type: "ok"; readonly rows: readonly (readonly SqlValue[])[] }
  | { readonly type: "error"; readonly message: string; readonly sqlCode: string | undefined }
  | { readonly type: "skipped" };

/** By their number. */
export const LIVE_CONDITIONS: readonly LiveCondition[] = ["always", "previous-ok", "in-transaction"];
