import { SyncError } from "../errors/sync-error.js";

/** The error for what is not a package of a change stream. `what` goes on from "The package". */
export function damagedPackage(what: string, cause?: unknown): SyncError {
  return new SyncError(
    "damaged-package",
    `The package ${what}. Nothing was applied: have it sent again.`,
    cause === undefined ? {} : { cause },
  );
}
