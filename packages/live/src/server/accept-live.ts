import type { Channel } from "@tributary/core";
import type { LiveHost } from "./live-host.js";
import { LiveServerConnection } from "./live-server-connection.js";

/** A channel that is served. */
export interface LiveConnection {
  /** Closes it at once. Calling it again does nothing. */
  close(reason: string): void;
  /** Takes nothing more, and closes it when what came is answered. */
  finish(): void;
}

/** Serves the live protocol on a channel that is open, until either side closes it. */
export function acceptLive(channel: Channel, host: LiveHost): LiveConnection {
  return new LiveServerConnection(channel, host);
}
