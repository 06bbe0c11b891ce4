import type { PulledBody } from "./pulled-body.js";

/** An answer. */
export interface HttpResponse {
  readonly status: number;
  /** Names are in lower case. */
  readonly headers: Record<string, string>;
  /** In whole, or as it is made; undefined: there is none. */
  readonly body: Uint8Array | string | PulledBody | undefined;
}
