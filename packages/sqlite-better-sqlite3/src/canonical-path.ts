import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { SyncError } from "@tributary/core";

/**
 * The same file has the same path, whatever links lead to it: the lock goes by it. Fails with `invalid-option` when there
 * is no such directory.
 */
export function canonicalPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    // Not there yet: then its directory decides.
    try {
      return join(realpathSync(dirname(absolute)), basename(absolute));
    } catch (cause) {
      throw new SyncError("invalid-option", `The directory of ${absolute} does not exist.`, {
        path: absolute,
        cause,
      });
    }
  }
}
