import { ServerError } from "../server-error.js";

/** The error of a branch whose files are not what they were. `problem`: what was found, as the end of a sentence. */
export function branchDamage(problem: string, cause?: unknown): ServerError {
  const text = `the files that the server keeps for this offline replica are damaged: ${problem}; delete the replica's files and let it download the database again`;
  return new ServerError("branch-damaged", text, cause);
}
