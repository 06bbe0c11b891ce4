import type { HttpProtocolOptions } from "@tributary/protocol-http";

/** Options of `createLibsqlProtocol`: those of HTTP, and where its mirror is. */
export interface LibsqlProtocolOptions
  extends Pick<
    HttpProtocolOptions,
    "url" | "authToken" | "headers" | "fetch" | "headersTimeoutMs" | "bodyTimeoutMs" | "retry" | "clock"
  > {
  /**
   * Path of a file of this replica alone, in which a copy of the remote's pages is kept, with its metadata in `<path>-info`
   * beside it. All of it is a cache: whatever is missing or damaged is fetched again, and nothing is lost with it.
   */
  readonly mirrorPath: string;
}
