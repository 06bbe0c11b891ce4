import type { IoOperations, MaybePromise } from "@tributary/core";
import type { CheckContext } from "../check.js";

/** What the suite of the file port needs. */
export interface IoOperationsContext extends CheckContext {
  readonly files: IoOperations;
  /** Paths are made by appending `/` and a name to it. It exists and is empty. */
  readonly directory: string;
  /** Cuts the power: what was not durable is gone, and every handle. Needed with `canCrash`. */
  crash?(): MaybePromise<void>;
}

/** What else can be checked. */
export interface IoOperationsOptions {
  /** The paths are files of this machine's file system, which `node:fs` and SQLite see too. */
  readonly onDisk?: boolean;
  /** The set-up gives `crash`. */
  readonly canCrash?: boolean;
}
