import type { MaybePromise } from "./maybe-promise.js";

declare const fileHandle: unique symbol;

/** An open file of an {@link IoOperations}; only its maker can read it. */
export type FileHandle = number & { readonly [fileHandle]: true };

/** `read` and `write` open a file that exists; `create` makes an empty one where there is none; `replace` empties it. */
export type OpenMode = "read" | "write" | "create" | "replace";

/**
 * Local bytes. Paths are those the host gave to the replica, with suffixes of the engine's.
 *
 * Nothing is durable before `syncFile`, except by the methods that say so. An implementation must open the database
 * file and its `-shm` with one descriptor each and close them only when asked: closing any descriptor of these files
 * drops the POSIX locks that SQLite holds on them in this process.
 */
export interface IoOperations {
  /** `undefined` when the file does not exist (modes `read` and `write`). */
  openFile(path: string, mode: OpenMode): MaybePromise<FileHandle | undefined>;
  /** Bytes from `offset`; fewer than `length` (maybe none) at the end of the file. */
  readAt(file: FileHandle, offset: number, length: number): MaybePromise<Uint8Array>;
  /** Writes all bytes at `offset`, extending the file as needed. */
  writeAt(file: FileHandle, offset: number, bytes: Uint8Array): MaybePromise<void>;
  /** Size in bytes. */
  fileSize(file: FileHandle): MaybePromise<number>;
  /** Makes the file that long: the rest is cut off, what is missing is zeros. */
  truncateFile(file: FileHandle, size: number): MaybePromise<void>;
  /** All that was written is durable when this returns. */
  syncFile(file: FileHandle): MaybePromise<void>;
  closeFile(file: FileHandle): MaybePromise<void>;
  /** The whole content, `undefined` when there is no such file. Fails when it is larger than `maxBytes`. */
  readWholeFile(path: string, maxBytes: number): MaybePromise<Uint8Array | undefined>;
  /**
   * A text that is another one whenever the content may be: size and time of the last change, or a checksum. `undefined`
   * when there is no such file. Opens nothing.
   */
  fileStamp(path: string): MaybePromise<string | undefined>;
  /** Atomic and durable: afterwards, also after a crash, the path holds either the old content or all of the new. */
  replaceWholeFile(path: string, bytes: Uint8Array): MaybePromise<void>;
  /** Atomic and durable; replaces `to`. The caller has synced the content of `from`. */
  renameFile(from: string, to: string): MaybePromise<void>;
  /** Does nothing when there is no such file. */
  removeFile(path: string): MaybePromise<void>;
}
