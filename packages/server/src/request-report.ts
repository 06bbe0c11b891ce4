/**
 * What is told of one request, of one hello of a socket, or of something that is opened on a live channel: nothing that a
 * client keeps secret.
 */
export interface RequestReport {
  /** Unlike any other of this server; answered as `x-request-id`. */
  readonly id: string;
  readonly method: string;
  /** What was asked for, without names and parameters, such as `/v2/pipeline` or `/admin/databases/:name`; `websocket`, `live`. */
  readonly route: string;
  readonly database: string | undefined;
  /** As `authorize` has it. */
  readonly client: string | undefined;
  /** 101: a hello that was welcome. */
  readonly status: number;
  /** From the arrival of the request to its answer, without the time its body takes to be read, ms. */
  readonly durationMs: number;
  readonly requestBytes: number;
  /** Undefined where the answer is streamed. */
  readonly responseBytes: number | undefined;
  /** Why it failed, where the server is to blame. */
  readonly error: unknown;
}
