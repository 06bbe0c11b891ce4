import { type DatabaseImage, parseDatabaseHeader } from "@tributary/core";
import type { MergeImages } from "../offline/branch-store.js";
import type { MergeTarget } from "./merge-target.js";

/** What SQLite takes in its pragma. No replica counts so many. */
const LARGEST_VERSION = 2 ** 31 - 1;

/**
 * Sees to it that the database counts more schemas than a replica that has changed its own. Connections read the schema anew
 * where its number is another one than they know, and not where its pages are others: a replica that pulls the database's
 * pages under the number that it has counted up to by itself would look for tables where its own were.
 */
export function raiseSchemaVersion(target: MergeTarget, { before, after }: MergeImages): void {
  const known = schemaVersionOf(after);
  // SQLite reads a larger number as 0: the database would count through all that its connections know, once more.
  if (known === schemaVersionOf(before) || known >= LARGEST_VERSION) return;
  const [row] = target.query("PRAGMA main.schema_version");
  const own = Number(row?.[0]);
  if (own > known) return;
  // SQLite protects the number as it does those tables, and says nothing where it does.
  target.openShadowTables();
  target.execute(`PRAGMA main.schema_version = ${known + 1}`);
}

/** 0 of an empty database. */
function schemaVersionOf(image: DatabaseImage): number {
  return image.size === 0 ? 0 : (parseDatabaseHeader(image.readPage(1))?.schemaCookie ?? 0);
}
