import type { EndSignal } from "@tributary/live";

/**
 * One request, as the server needs it. Where it comes from is an adapter's matter: the web's `Request` objects cost more to
 * make than most answers do.
 */
export interface HttpRequest {
  /** In upper case. */
  readonly method: string;
  /** In whole. */
  readonly url: URL;
  /** Fires when the client has gone before it had its answer. */
  readonly signal: EndSignal;
  /** Undefined where there certainly is none. */
  readonly body: RequestBody | undefined;
  /** The value of a header, by its name in lower case; those that come more than once are joined by `, `. */
  header(name: string): string | undefined;
  /** The same as the web has it, for hosts that look at more of it. Its body is not to be read. */
  toWeb(): Request;
}

/** The body of a request. */
export interface RequestBody {
  /** The next piece, at once where it is there; undefined: that was all. Fails where the client goes away before. */
  next(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Gives up what is left. */
  cancel(): void;
}
