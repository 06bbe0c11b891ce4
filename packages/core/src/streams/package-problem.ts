import type { ChangePackage } from "./change-package.js";

/** Version of both forms of a package. */
export const PACKAGE_VERSION = 1;

/** What is said of a package of another version. */
export function otherVersion(version: number | string): string {
  const newer = Number(version) > PACKAGE_VERSION ? ": the sender is newer" : "";
  return `is of version ${version}, and this program reads version ${PACKAGE_VERSION}${newer}`;
}

/** What is wrong with the numbers of a package; `undefined`: nothing. */
export function problemOfNumbers(change: Omit<ChangePackage, "groups">): string | undefined {
  const { epoch, from, to, schemaHash, snapshot } = change;
  if (!isPosition(epoch) || epoch === 0) return `has the epoch ${epoch}`;
  if (!isPosition(from) || !isPosition(to) || from > to) return `has the window from ${from} to ${to}`;
  if (!isPosition(schemaHash) || schemaHash > 0xffff_ffff) return `has the schema hash ${schemaHash}`;
  if (snapshot === undefined) return undefined;
  if (!isPosition(snapshot.part)) return `has the part ${snapshot.part}`;
  return from === 0 ? undefined : `is a snapshot that begins at ${from} instead of 0`;
}

/** Whether a number may be a cursor, or count something: 0 to 2^53 − 1. */
export function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
