/** The end of a request by whoever sends it. */
export interface RequestEnd {
  /** Why it was ended; `undefined` while it was not. */
  readonly reason: unknown;
  /** The same for who needs a signal. Made when it is asked for: for a small request, it costs as much as much of the rest. */
  readonly signal: AbortSignal;
  /** Calls the listener, with the reason, when the request is ended from now on. Gives the function that takes it off. */
  listen(listener: (reason: unknown) => void): () => void;
}

/** One request. */
export interface TransportRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a POST. */
  readonly body: Uint8Array;
  /** Ends the request, and the reading of its answer. */
  readonly end: RequestEnd;
}

/** An answer, its body still to be read. */
export interface TransportResponse {
  readonly status: number;
  /** By its name in lower case. */
  header(name: string): string | undefined;
  /** Whether an end of the body that comes too early would be an error of the transport, and not look like its end. */
  readonly isEndReliable: boolean;
  /**
   * The next part of the body, `undefined` at its end; at once where it has come already. The bytes are the caller's to
   * keep.
   */
  read(): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** Drops what has not been read. Never fails. */
  discard(): void;
}

/**
 * What sends requests. Rejects with whatever the technology rejects with. Follows no redirect, and undoes no compression
 * (it is asked for none).
 */
export interface HttpTransport {
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Ends what is open. */
  close(): Promise<void>;
}
