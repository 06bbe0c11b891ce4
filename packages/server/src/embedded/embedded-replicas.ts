import type { StreamRegistry } from "../hrana/stream-registry.js";
import { ProxyConnections } from "./proxy-connections.js";
import { SessionTokens } from "./session-tokens.js";

/**
 * What a server keeps for embedded replicas of libSQL, of all its databases. Where they are in the log of a database they
 * say themselves.
 */
export class EmbeddedReplicas {
  readonly sessions: SessionTokens = new SessionTokens();
  readonly connections: ProxyConnections;

  constructor(streams: StreamRegistry) {
    this.connections = new ProxyConnections(streams);
  }
}
