import { SyncError } from "@tributary/core";

/** What the person in front of the error can do. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free space and try again",
  EDQUOT: "the disk quota is used up: free space and try again",
  EACCES: "this user may not: give it the right to read and write the file and its directory",
  EPERM: "this user may not: give it the right to read and write the file and its directory",
  EROFS: "the file system is read-only: keep the replica where it can be written",
  ENOENT: "its directory does not exist",
  EMFILE: "too many files are open: raise the limit of open files, or close some",
  EISDIR: "it is a directory",
};

/** An `io-failed` error that names the file and what to do, with the errno's error as its cause. */
export function toIoError(error: unknown, path: string, action: string): SyncError {
  if (error instanceof SyncError) return error;
  const advice = ADVICE[errnoOf(error) ?? ""];
  const reason = advice ?? (error instanceof Error ? error.message : String(error));
  return new SyncError("io-failed", `Cannot ${action} ${path}: ${reason}.`, { path, cause: error });
}

/** The name of the system's error, as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
