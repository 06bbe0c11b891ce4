import type { HranaStreamRequest } from "./hrana-types.js";

/** What came of one request of a stream, encoded: whoever puts the answer together only joins bytes. */
export interface EncodedResult {
  readonly ok: boolean;
  /** Of the request, and of the response to it. */
  readonly type: HranaStreamRequest["type"];
  /**
   * JSON: the text of the response, or of the error. Protobuf: the message inside the response (`ExecuteStreamResp` and so
   * on, which are the same for HTTP and for sockets), or the error.
   */
  readonly body: Uint8Array;
}
