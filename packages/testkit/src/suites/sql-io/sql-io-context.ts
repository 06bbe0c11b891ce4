import type { MaybePromise, SqlIo } from "@tributary/core";
import type { CheckContext } from "../check.js";

/** What the suite of the SQL port needs. */
export interface SqlIoContext extends CheckContext {
  /** A port that has nothing open. `cleanUp` closes what the check has left open. */
  readonly sql: SqlIo;
  /** Another one, as another part of the app would make it. */
  readonly secondSql: SqlIo;
  /** Of a database that does not exist, on disk, in a directory of its own. */
  readonly path: string;
  /** Runs `;`-separated statements on the app's connection of `sql`. Fails when one fails. */
  execute(sql: string): MaybePromise<unknown>;
  /** Begins a query of the app's and reads its first row; gives what ends it. Needed with `canIterate`. */
  iterate?(sql: string): MaybePromise<() => MaybePromise<void>>;
}

/** What else can be checked. */
export interface SqlIoOptions {
  /** The app can read the rows of a query one by one; the set-up gives `iterate`. */
  readonly canIterate?: boolean;
}
