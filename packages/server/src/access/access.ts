/**
 * What somebody may do: `read` pulls pages and runs SQL that changes nothing; `write` also changes rows and schema;
 * `admin` also creates, copies, replaces and deletes databases, and sees the state of the server.
 */
export type Access = "read" | "write" | "admin";

/** Who asks for what. */
export interface AccessRequest {
  /** The database that is meant; undefined for the server as a whole (its list of databases, its state). */
  readonly database: string | undefined;
  /** What the client showed: the bearer token of the request, or the one of the socket's hello. Never log it. */
  readonly token: string | undefined;
  /** The HTTP request, or the one that became the socket: for cookies, headers or client certificates of the host's own. Its body is not to be read. */
  readonly request: Request;
}

/** Lets somebody in. */
export interface AccessGrant {
  readonly access: Access;
  /** Who it is, as limits and reports count it. Default: the remote address. */
  readonly client?: string;
  /**
   * Whom the token was made out to: the device of an offline replica of libSQL whose URL names none, which makes the server
   * merge what it pushes. Default: it is not known.
   */
  readonly device?: string;
  /** When the grant ends, ms since 1970: a socket is closed then, unless it says hello again. Default never. */
  readonly expiresAt?: number;
}

/** Turns somebody away. */
export interface AccessDenial {
  /** `unauthenticated`: answered with 401, who it is was not shown, or shown wrongly. `forbidden`: 403. */
  readonly denied: "unauthenticated" | "forbidden";
  /** A stable code, such as `AUTH_JWT_EXPIRED`, which clients are told. */
  readonly code: string;
  /** What to do about it, for people. Must not repeat the token. */
  readonly message: string;
}

/**
 * Decides what somebody may do. Called once per HTTP request, and per hello of a socket. What it throws is answered with 500
 * and lets nobody in.
 */
export type Authorize = (
  request: AccessRequest,
) => AccessGrant | AccessDenial | Promise<AccessGrant | AccessDenial>;

const RANK: Readonly<Record<Access, number>> = { read: 1, write: 2, admin: 3 };

/** All there is, each allowing what those before it do. */
export const ACCESS_KINDS: readonly Access[] = ["read", "write", "admin"];

/** Whether `access` is enough for what needs `needed`. */
export function allows(access: Access, needed: Access): boolean {
  return RANK[access] >= RANK[needed];
}
