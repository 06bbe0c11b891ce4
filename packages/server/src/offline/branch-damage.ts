import { ServerError } from "../server-error.js";

/** The error of a branch whose files are not what they were. `problem`: what was found, as the end of a sentence. */
export function branchDamage(problem: string, cause?: unknown): ServerError {
  const text = `the files that the server keeps for this offline replica are damaged: ${problem}. What the replica has not pushed is in its file only: keep a copy of the file, delete it together with its -info, -wal and -shm, and open it again`;
  return new ServerError("branch-damaged", text, cause);
}
