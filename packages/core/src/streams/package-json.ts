import type { ChangePackage } from "./change-package.js";

/** The JSON form of a package: docs/WIRE_FORMAT.md. Lossless: 1 and 1.0, 64-bit integers, infinities and blobs stay what they are. */
export function stringifyChangePackage(_change: ChangePackage): string {
  throw new Error("not written yet");
}

/** Throws `SyncError` `damaged-package` for text that is no package, or whose checksum does not hold. */
export function parseChangePackage(_text: string): ChangePackage {
  throw new Error("not written yet");
}
