import type { Channel } from "@tributary/core";
import {
  type LinkPosition,
  type LiveClock,
  type LiveGrant,
  type LiveHost,
  type LiveLimits,
  LiveRefusal,
  linkStreams,
  type ReplicaEndpoint,
  type StreamLink,
} from "@tributary/live";
import type { HubGrant, StreamHubOptions } from "./hub-options.js";
import type { LinkedSite, LinkedSites } from "./linked-sites.js";

/** What a channel of the hub is served with. */
export interface HubChannelParts {
  readonly hub: StreamHubOptions;
  readonly limits: LiveLimits;
  readonly clock: LiveClock;
  readonly sites: LinkedSites;
  readonly context: unknown;
  readonly onClose: () => void;
}

const NOWHERE: LinkPosition = { peer: undefined, sent: 0, acknowledged: 0, applied: 0, snapshots: 0 };

interface HubChannelLink extends LinkedSite {
  readonly access: "read" | "write";
}

/** One channel of a hub, as the live protocol asks for things: what its token allows, and the links on it. */
export class HubChannel implements LiveHost {
  readonly clock: LiveClock;
  readonly limits: LiveLimits;
  readonly #parts: HubChannelParts;
  readonly #links = new Set<HubChannelLink>();
  #token: string | undefined;
  #isClosed = false;

  constructor(parts: HubChannelParts) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.limits = parts.limits;
  }

  async authenticate(token: string | undefined): Promise<LiveGrant> {
    const { expiresAt } = await this.#authorize(token, undefined);
    this.#token = token;
    // A fresh token may allow less than the last one.
    for (const linked of [...this.#links]) {
      const grant = await this.#authorize(token, linked.database).catch(() => undefined);
      const isSame = grant !== undefined && (grant.site === undefined || grant.site === linked.position.peer);
      if (!isSame || accessOf(grant) !== linked.access) linked.close();
    }
    return { expiresAt };
  }

  async openReplica(): Promise<ReplicaEndpoint> {
    throw new LiveRefusal(404, "no-replicas", "there are change streams only here");
  }

  async openStream(database: string, channel: Channel): Promise<void> {
    const { hub, clock, sites, context } = this.#parts;
    const streams = await hub.openDatabase(database, context);
    let token: string | undefined;
    let grant: HubGrant;
    do {
      token = this.#token;
      grant = await this.#authorize(token, database);
    } while (token !== this.#token);
    if (this.#isClosed) throw new LiveRefusal(503, "closed", "the channel is closed");
    const access = accessOf(grant);
    let link: StreamLink | undefined;
    const linked: HubChannelLink = {
      database,
      streams,
      access,
      get position() {
        return link?.position ?? NOWHERE;
      },
      close: () => link?.close(),
    };
    this.#links.add(linked);
    sites.add(linked);
    link = linkStreams(channel, {
      ...hub.link,
      streams,
      clock,
      receive: access === "read" ? false : (hub.receive ?? {}),
      ...(grant.site === undefined ? {} : { peer: grant.site }),
      onPeer: (site) => sites.replace(linked, site),
      onClose: (error) => {
        this.#links.delete(linked);
        sites.delete(linked);
        hub.onLinkEnd?.({ database, position: linked.position }, error);
      },
    });
  }

  onClose(): void {
    this.#isClosed = true;
    this.#parts.onClose();
  }

  /** Tells the spokes that all is well. */
  closeLinks(): void {
    for (const linked of [...this.#links]) linked.close();
  }

  async #authorize(token: string | undefined, database: string | undefined): Promise<HubGrant> {
    const { hub, context } = this.#parts;
    return (await hub.authorize?.({ token, database, context })) ?? {};
  }
}

function accessOf({ access = "write" }: HubGrant): "read" | "write" {
  return access;
}
