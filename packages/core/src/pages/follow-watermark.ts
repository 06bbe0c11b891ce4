import { SyncError } from "../errors/sync-error.js";
import type { WalPosition } from "../ports/replica-pages.js";
import { sameSalts } from "../sqlite-format/wal-header.js";
import type { FrameIndex } from "./frame-index.js";

/**
 * Where the synced images are after the log was read again; `undefined`: in the database file, and all frames hold
 * touched pages. Fails when they may be lost.
 *
 * | log now                          | frames behind the watermark before | then                                  |
 * | -------------------------------- | ---------------------------------- | ------------------------------------- |
 * | same salts, not shorter          | any                                | as before                             |
 * | same salts, ends before it       | any                                | `damaged-file`                        |
 * | any, none was known              | none                               | base is the database file             |
 * | empty or missing                 | none                               | base is the database file             |
 * | salt 1 is one more               | none                               | restarted: base is the database file  |
 * | others, and the guard stood      | none                               | restarted: base is the database file  |
 * | otherwise                        |                                    | `foreign-writer`                      |
 *
 * SQLite restarts a log only when all of it is in the database file; then it adds one to the first salt. A connection that
 * has seen no generation takes salts at random instead: so the log goes on after a process that died in the middle of a
 * checkpoint, where a reader has kept the index. That no generation was in between, which would be in the database file,
 * only the guard can tell then.
 *
 * @param before What was known of the log; `undefined` in a new process, where the saved watermark is all there is.
 * @param isGuarded The guard has stood since then without a break.
 */
export function followWatermark(
  path: string,
  watermark: WalPosition | undefined,
  before: FrameIndex | undefined,
  after: FrameIndex | undefined,
  isGuarded = false,
): WalPosition | undefined {
  const known = watermark ?? before?.header;
  if (after !== undefined && known !== undefined && sameSalts(known, after.header)) {
    if (watermark === undefined || after.frames >= watermark.frames) return watermark;
    throw new SyncError(
      "damaged-file",
      `${path}-wal ends after ${after.frames} frames, but ${watermark.frames} were durable. Put it back from a backup together with the other files of the replica.`,
      { path: `${path}-wal` },
    );
  }
  if (before !== undefined && before.frames > (watermark?.frames ?? 0)) throw foreignWriter(path);
  if (after === undefined || watermark === undefined) return undefined;
  if (isGuarded && before !== undefined) return undefined;
  if (after.header.salt1 === (watermark.salt1 + 1) >>> 0) return undefined;
  throw foreignWriter(path);
}

/** The synced images of touched pages are gone. */
export function foreignWriter(path: string): SyncError {
  return new SyncError(
    "foreign-writer",
    `Another program wrote to or checkpointed the replica ${path} while Tributary did not hold it: what the synced pages were cannot be told any more. The local data is untouched: keep all files, open a new replica at another path and copy over what was not pushed. Let other programs only read a replica.`,
    { path },
  );
}
