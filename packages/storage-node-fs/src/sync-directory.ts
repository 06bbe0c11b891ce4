import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "./to-io-error.js";

/** Makes the names in a file's directory durable: a rename or a new file is lost in a power cut without it. */
export function syncDirectoryOf(path: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(dirname(path), "r");
  } catch (error) {
    // Windows does not open directories; its renames are journalled by the file system.
    if (process.platform === "win32") return;
    throw error;
  }
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some network file systems have no such operation.
    const errno = errnoOf(error);
    if (process.platform !== "win32" && errno !== "EINVAL" && errno !== "ENOTSUP") throw error;
  } finally {
    closeSync(descriptor);
  }
}
