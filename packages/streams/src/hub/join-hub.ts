import { type KeepLinkedOptions, type KeptLink, keepLinked, type LiveClient } from "@tributary/live";

/** Options of {@link joinHub}. */
export interface JoinHubOptions extends Omit<KeepLinkedOptions, "receive"> {
  /** Leads to the hub. It may serve other databases too, and stays the caller's to close. */
  readonly client: LiveClient;
  /** Which of the hub's databases. Default: the one that it gives to who names none. */
  readonly database?: string;
  /** As of an inbound stream, but for `rebase`, which is true here unless it is told otherwise: for a replica it must be false. */
  readonly receive?: KeepLinkedOptions["receive"];
}

/**
 * Keeps a database in step with a hub's: the hub decides on the order of changes, and local ones that it does not have
 * yet stay on top. Made again whenever the network breaks, until it is closed. Throws `SyncError` `invalid-option`.
 */
export function joinHub({ client, database = "", receive, ...options }: JoinHubOptions): KeptLink {
  return keepLinked((signal) => client.openStream(database, signal), {
    ...options,
    receive: receive === false ? false : { rebase: true, ...receive },
  });
}
