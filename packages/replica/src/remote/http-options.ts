import type { HttpProtocolOptions } from "@tributary/protocol-http";
import type { ReplicaOptions } from "../replica-options.js";

/** What a replica's options say of HTTP. */
export function httpOptions({ url, authToken, headers, fetch }: ReplicaOptions): HttpProtocolOptions {
  return {
    url: url === null ? () => null : url,
    ...(authToken !== undefined && { authToken }),
    ...(headers !== undefined && { headers }),
    ...(fetch !== undefined && { fetch }),
  };
}
