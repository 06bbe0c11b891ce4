import type { HranaError, HranaStmtResult } from "@tributary/wire";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { ResponseBudget } from "../sql/response-budget.js";

/** What a column takes beside its name and type, characters. */
const COLUMN_OVERHEAD = 32;

/**
 * Counts what a statement adds to the answer beside its rows: one that is sent once, or stored, may be run many times, and
 * its long names come with every result. Throws `HranaRequestError`: it has been run by then.
 */
export function countHead(
  budget: ResponseBudget,
  cols: HranaStmtResult["cols"],
  error: HranaError | null = null,
): void {
  if (cols.length === 0 && error === null) return;
  let size = error?.message.length ?? 0;
  for (const { name, decltype } of cols)
    size += COLUMN_OVERHEAD + (name?.length ?? 0) + (decltype?.length ?? 0);
  if (budget.spendHead(size)) return;
  throw new HranaRequestError("the answer is too long: send fewer statements at once", {
    code: "RESPONSE_TOO_LARGE",
  });
}
