import { tributary } from "#gen/pull-updates.js";
import { WireError } from "../wire-error.js";
import { decodeGenerated, nameOf } from "./decode-generated.js";

/** The body of `POST /pull-updates`: which pages are asked for. */
export interface PullUpdatesRequest {
  readonly encoding: "raw" | "zstd";
  /** Pages as of this revision; empty: the latest. */
  readonly serverRevision: string;
  /** Only what changed after this revision; empty: everything. */
  readonly clientRevision: string;
  /** How long to hold the answer until there is a change, ms, 32 bits. */
  readonly longPollTimeoutMs: number;
  /** For `decodePageSelector`; empty: all pages. */
  readonly pagesSelector: Uint8Array;
  /** Only the pages that this SQL query touches; empty: all. */
  readonly querySelector: string;
  readonly streamKind: "pages" | "mvcc-logical-log";
}

const NAME = "pull request";
// In the order of their numbers.
const ENCODINGS = ["raw", "zstd"] as const;
const STREAM_KINDS = ["pages", "mvcc-logical-log"] as const;

const Generated = tributary.wire.PullUpdatesRequest;

/** Throws `WireError` `unsupported` when the timeout is no number of 32 bits. */
export function encodePullUpdatesRequest(request: PullUpdatesRequest): Uint8Array {
  const { longPollTimeoutMs } = request;
  if (!Number.isInteger(longPollTimeoutMs) || longPollTimeoutMs < 0 || longPollTimeoutMs > 0xffffffff) {
    throw new WireError("unsupported", `a long-poll timeout of ${longPollTimeoutMs} ms does not fit 32 bits`);
  }
  const writer = Generated.encode({
    encoding: ENCODINGS.indexOf(request.encoding),
    serverRevision: request.serverRevision,
    clientRevision: request.clientRevision,
    longPollTimeoutMs,
    serverPagesSelector: request.pagesSelector,
    serverQuerySelector: request.querySelector,
    streamKind: STREAM_KINDS.indexOf(request.streamKind),
  });
  return new Uint8Array(writer.finish());
}

/** Throws `WireError`. */
export function decodePullUpdatesRequest(bytes: Uint8Array): PullUpdatesRequest {
  const request = decodeGenerated(Generated, NAME, bytes);
  return {
    encoding: nameOf(ENCODINGS, request.encoding, "encoding"),
    serverRevision: request.serverRevision,
    clientRevision: request.clientRevision,
    longPollTimeoutMs: request.longPollTimeoutMs,
    pagesSelector: new Uint8Array(request.serverPagesSelector),
    querySelector: request.serverQuerySelector,
    streamKind: nameOf(STREAM_KINDS, request.streamKind, "stream_kind"),
  };
}
