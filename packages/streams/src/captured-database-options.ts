import { type InboundStreamOptions, type StreamRetention, SyncError } from "@tributary/core";
import type { BetterSqlite3Options } from "@tributary/sqlite-better-sqlite3";
import { OptionChecks } from "./check-options.js";
import type { StreamClock } from "./stream-clock.js";

/** Options of `openCapturedDatabase`. Only `path` is needed. */
export interface CapturedDatabaseOptions {
  /** The database file; made where there is none. Tributary's lock file, `<path>-lock`, stands beside it. */
  readonly path: string;
  /** Begins the name that the database has for its peers, when it is captured for the first time. Default `tributary`. */
  readonly name?: string;
  /** How long changes are kept for receivers that have not acknowledged them. */
  readonly retention?: StreamRetention;
  /** How packages are applied that are inserted into the table `tributary_inbox`. Default: last applied wins. */
  readonly inbox?: Omit<InboundStreamOptions, "from" | "since">;
  /** Options of the app's better-sqlite3 connection. */
  readonly database?: Pick<
    BetterSqlite3Options,
    "synchronous" | "busyTimeoutMs" | "verbose" | "nativeBinding"
  >;
  /** Default: that of this machine. */
  readonly clock?: StreamClock;
}

/** Fails with `invalid-option`, naming every option that cannot be. */
export function checkCapturedDatabaseOptions(options: CapturedDatabaseOptions): void {
  const checks = new OptionChecks("openCapturedDatabase");
  if (typeof options !== "object" || options === null) {
    throw new SyncError("invalid-option", "openCapturedDatabase: give it an object with `path`.");
  }
  // Whoever writes JavaScript may have given anything.
  const { path, name, retention, inbox, database, clock } = options as unknown as Record<string, unknown>;
  checks.expect(typeof path === "string" && path !== "", "`path` must be a file path");
  checks.expect(path !== ":memory:", "`path` must be a file: capture takes several connections");
  const isName = name === undefined || (typeof name === "string" && /^[\w.-]{1,64}$/.test(name));
  checks.expect(isName, "`name` must be 1 to 64 letters, digits, dots, dashes or underscores");
  if (checks.object("retention", retention)) {
    checks.wholeNumber("retention.maxChanges", retention.maxChanges, 1);
    checks.wholeNumber("retention.maxAgeMs", retention.maxAgeMs, 1);
  }
  if (checks.object("inbox", inbox)) {
    checks.flag("inbox.rebase", inbox.rebase);
    checks.flag("inbox.applyParts", inbox.applyParts);
    checks.callback("inbox.resolveConflict", inbox.resolveConflict);
  }
  if (checks.object("database", database)) {
    checks.oneOf("database.synchronous", database.synchronous, ["OFF", "NORMAL", "FULL", "EXTRA"]);
    checks.wholeNumber("database.busyTimeoutMs", database.busyTimeoutMs, 0);
    checks.callback("database.verbose", database.verbose);
  }
  if (checks.object("clock", clock)) {
    checks.expect(typeof clock.now === "function", "`clock.now` must be a function");
    checks.expect(typeof clock.randomBytes === "function", "`clock.randomBytes` must be a function");
  }
  checks.finish();
}
