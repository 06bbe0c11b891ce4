import type { SyncError } from "../errors/sync-error.js";
import type { ScratchSql } from "../row-diff/scratch-sql.js";
import type { FileReader } from "./libsql-files.js";

/** What taking over a libSQL replica asks of its host, beside the ports. */
export interface TakeoverHost {
  /** Whether files are taken over of which nothing tells that libSQL has written them. */
  readonly always: boolean;
  readonly files: FileReader;
  /**
   * Frames, from the start of the log, that the remote has, found by asking it for them; `other`: what it has are other frames
   * than those that the client says it has sent. `undefined`: it does not tell. An error: it could not be asked now, and what
   * it would have said must not be guessed.
   */
  readonly framesAtRemote: number | "other" | SyncError | undefined;
  scratch(): ScratchSql;
  /** Whether a program, this one or another, has the database open at the moment; false where that cannot be told. */
  isOpenElsewhere(path: string): boolean;
}
