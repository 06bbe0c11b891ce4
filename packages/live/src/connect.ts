import type { Channel } from "@tributary/core";

/**
 * Makes a channel to the other end. Rejects with `SyncError` `unreachable` or `timeout` where trying again can help, with
 * `unauthorized`, `remote-rejected` or `unexpected-response` where it cannot, with `aborted` when the signal fires.
 */
export type Connect = (signal: AbortSignal) => Promise<Channel>;
