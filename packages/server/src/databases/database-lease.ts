import type { ServerDatabase } from "../database/server-database.js";

/** The use of an open database: it stays open until the lease is released. One for each request, stream and socket. */
export interface DatabaseLease {
  readonly name: string;
  readonly database: ServerDatabase;
  /**
   * To be set by the holder: called at most once, where the database is deleted under it. Ends what is done with the
   * database; the deletion goes on when it has resolved. Must not fail. Release the lease all the same.
   */
  onRemoved: (() => void | Promise<void>) | undefined;
  /** Ends the use. Calling it again does nothing. */
  release(): void;
}
