import { tributary } from "#gen/pull-updates.js";
import { WireError } from "../wire-error.js";
import { decodeGenerated, nameOf, toSafeInteger } from "./decode-generated.js";

/** The first message of the answer to a pull. */
export interface PullUpdatesHeader {
  /** What the pages that follow belong to. Opaque. */
  readonly serverRevision: string;
  /** Size of the database at that revision, in pages; a safe integer. */
  readonly databaseSize: number;
  readonly encoding: "raw" | "zstd";
  readonly applyMode: "incremental" | "replace-base";
  /** Always send `pages`: newer clients tell the protocol from it. Older servers leave it unspecified. */
  readonly protocol: "unspecified" | "pages" | "mvcc-logical";
}

// In the order of their numbers.
const APPLY_MODES = ["incremental", "replace-base"] as const;
const PROTOCOLS = ["unspecified", "pages", "mvcc-logical"] as const;

const Generated = tributary.wire.PullUpdatesHeader;

/** Without its length: see `delimit`. Throws `WireError` `unsupported` when the size is no safe integer. */
export function encodePullUpdatesHeader(header: PullUpdatesHeader): Uint8Array {
  const { serverRevision, databaseSize, encoding } = header;
  if (!Number.isSafeInteger(databaseSize) || databaseSize < 0) {
    throw new WireError("unsupported", `a database cannot have ${databaseSize} pages`);
  }
  const writer = Generated.encode({
    serverRevision,
    databaseSize,
    ...(encoding === "raw" ? { rawEncoding: {} } : { zstdEncoding: {} }),
    applyMode: APPLY_MODES.indexOf(header.applyMode),
    protocol: PROTOCOLS.indexOf(header.protocol),
  });
  return new Uint8Array(writer.finish());
}

/** Throws `WireError`. */
export function decodePullUpdatesHeader(bytes: Uint8Array): PullUpdatesHeader {
  const header = decodeGenerated(Generated, "pull header", bytes);
  const isRaw = header.rawEncoding != null;
  const isZstd = header.zstdEncoding != null;
  if (isRaw === isZstd) {
    throw new WireError(
      "malformed",
      `a pull header must name one page encoding; this one names ${isRaw ? "two" : "none"}`,
    );
  }
  return {
    serverRevision: header.serverRevision,
    databaseSize: toSafeInteger(header.databaseSize, "database size"),
    encoding: isRaw ? "raw" : "zstd",
    applyMode: nameOf(APPLY_MODES, header.applyMode, "apply_mode"),
    protocol: nameOf(PROTOCOLS, header.protocol, "protocol"),
  };
}
