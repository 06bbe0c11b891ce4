import { localInsert } from "./local-insert.js";
import { pushOne } from "./push-one.js";
import { pushRows } from "./push-rows.js";

/** All jobs, by the names that `runJob` sends. */
export interface Jobs {
  readonly localInsert: typeof localInsert;
  readonly pushOne: typeof pushOne;
  readonly pushRows: typeof pushRows;
}

export const JOBS: Jobs = { localInsert, pushOne, pushRows };
