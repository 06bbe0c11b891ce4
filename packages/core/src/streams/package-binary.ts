import type { ChangePackage } from "./change-package.js";

/** The binary form of a package: docs/WIRE_FORMAT.md. */
export function encodeChangePackage(_change: ChangePackage): Uint8Array {
  throw new Error("not written yet");
}

/** Throws `SyncError` `damaged-package` for bytes that are no package, or whose checksum does not hold. */
export function decodeChangePackage(_bytes: Uint8Array): ChangePackage {
  throw new Error("not written yet");
}
