import type { Access } from "../access/access.js";
import type { DatabaseLease } from "../databases/database-lease.js";
import type { DatabaseRegistry } from "../databases/database-registry.js";
import type { StreamRegistry } from "../hrana/stream-registry.js";
import type { BodyLimits } from "../http/limit-body.js";
import type { RequestSlot } from "../http/request-limiter.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";

/** What the answer to one request for a database is made of. The request has been let in. */
export interface RouteContext {
  readonly request: Request;
  readonly access: Access;
  /** When what it may do ends, ms since 1970; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly options: ResolvedServerOptions;
  readonly bodyLimits: BodyLimits;
  readonly databases: DatabaseRegistry;
  readonly streams: StreamRegistry;
  /** Held until the answer is there; a body that is streamed calls `hold` and holds it for longer. */
  readonly lease: DatabaseLease;
  readonly slot: RequestSlot;
  /** Keeps the database and the request's place until the function that it gives is called. */
  hold(): () => void;
}
