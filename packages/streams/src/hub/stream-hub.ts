import { type Channel, SyncError } from "@tributary/core";
import { acceptLive, type LiveConnection, type LiveLimits, systemClock } from "@tributary/live";
import { HubChannel } from "./hub-channel.js";
import type { HubLink, StreamHubOptions } from "./hub-options.js";
import { LinkedSites } from "./linked-sites.js";

const DEFAULT_LIMITS: LiveLimits = {
  helloTimeoutMs: 10_000,
  keepAliveMs: 30_000,
  maxMessageBytes: 1024 * 1024,
  maxSubscriptions: 64,
  maxPulls: 1,
  stallTimeoutMs: 60_000,
};
/** A link sends pieces of 256 KiB, with their heads. */
const LEAST_MESSAGE_BYTES = 512 * 1024;

/** Databases that any number of others keep in step with. */
export interface StreamHub {
  /**
   * Serves change streams on a channel, by the live protocol: one or more databases, each with a link of its own. `context`
   * is handed to `authorize` and `openDatabase`. Closing what it gives closes the channel.
   */
  accept(channel: Channel, context?: unknown): { close(reason?: string): void };
  /** The spokes that are linked now. */
  readonly links: readonly HubLink[];
  /** Ends all links and channels; who comes later is turned away. The databases stay open: they are the app's. */
  close(): void;
}

/**
 * The middle of a star: changes of each spoke are applied to the hub's database, last applied wins, and go from there to
 * all other spokes, in the hub's order. Spokes join with `joinHub`. Throws `SyncError` `invalid-option`.
 */
export function createStreamHub(options: StreamHubOptions): StreamHub {
  const { maxChannels = 10_000, clock = systemClock } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  if (!(limits.maxMessageBytes >= LEAST_MESSAGE_BYTES)) {
    const message = `limits.maxMessageBytes must be at least ${LEAST_MESSAGE_BYTES}, not ${limits.maxMessageBytes}.`;
    throw new SyncError("invalid-option", message);
  }
  if (!(maxChannels >= 1)) {
    throw new SyncError("invalid-option", `maxChannels must be at least 1, not ${maxChannels}.`);
  }
  const sites = new LinkedSites();
  const channels = new Map<HubChannel, LiveConnection>();
  let isClosed = false;

  return {
    accept(channel, context) {
      if (isClosed || channels.size >= maxChannels) {
        channel.close(isClosed ? "the hub is closed" : "too many channels");
        return { close: () => {} };
      }
      const served: HubChannel = new HubChannel({
        hub: options,
        limits,
        clock,
        sites,
        context,
        onClose: () => channels.delete(served),
      });
      const connection = acceptLive(channel, served);
      channels.set(served, connection);
      return { close: (reason = "closed") => connection.close(reason) };
    },
    get links() {
      return sites.links;
    },
    close() {
      isClosed = true;
      for (const [served, connection] of [...channels]) {
        served.closeLinks();
        connection.close("the hub is closed");
      }
      channels.clear();
    },
  };
}
