import type { Access } from "../access/access.js";
import type { DatabaseLease } from "../databases/database-lease.js";
import type { DatabaseRegistry } from "../databases/database-registry.js";
import type { EmbeddedReplicas } from "../embedded/embedded-replicas.js";
import type { StreamRegistry } from "../hrana/stream-registry.js";
import type { HttpRequest } from "../http/http-request.js";
import type { BodyLimits } from "../http/limit-body.js";
import type { RequestSlot } from "../http/request-limiter.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import type { SqlWorkers } from "../workers/sql-workers.js";

/** What the answer to one request for a database is made of. The request has been let in. */
export interface RouteContext {
  readonly request: HttpRequest;
  /** What is asked of the database: the path behind its name, percent-encoded as it was sent. */
  readonly pathname: string;
  readonly access: Access;
  /** The device that its URL names, else the one that the token was made out to; undefined: it is not known. */
  readonly device: string | undefined;
  /** Whether it is the URL: whoever asks so is an offline replica, whatever else is announced. */
  readonly isDeviceInUrl: boolean;
  /** When what it may do ends, ms since 1970; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly options: ResolvedServerOptions;
  readonly bodyLimits: BodyLimits;
  readonly databases: DatabaseRegistry;
  readonly streams: StreamRegistry;
  /** Where streams are opened that no client keeps. */
  readonly workers: SqlWorkers;
  readonly embedded: EmbeddedReplicas;
  /** Held until the answer is there; a body that is streamed calls `hold` and holds it for longer. */
  readonly lease: DatabaseLease;
  readonly slot: RequestSlot;
  /** Keeps the database and the request's place until the function that it gives is called. */
  hold(): () => void;
}
