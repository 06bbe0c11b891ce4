import type { ChangePackage } from "./change-package.js";
import { damagedPackage } from "./damaged-package.js";
import { GroupsParser, jsonOfGroups } from "./group-json.js";
import { JsonFields } from "./json-fields.js";
import { packageChecksum } from "./package-binary.js";
import { otherVersion, PACKAGE_VERSION, problemOfNumbers } from "./package-problem.js";
import { wellFormed } from "./value-json.js";

/** What the field `format` says. */
const FORMAT = "tributary-changes";
const FIELDS = [
  "format",
  "version",
  "site",
  "epoch",
  "from",
  "to",
  "endsTransaction",
  "schemaHash",
  "snapshot",
  "tables",
  "groups",
  "checksum",
];

/**
 * The JSON form of a package: docs/WIRE_FORMAT.md. Lossless: 1 and 1.0, 64-bit integers, infinities and blobs stay what they
 * are. Lone surrogates in text become U+FFFD, as in the binary form. Throws `internal` for what is no package.
 */
export function stringifyChangePackage(change: ChangePackage): string {
  const { epoch, from, to, endsTransaction, schemaHash, snapshot } = change;
  const checksum = packageChecksum(change);
  return JSON.stringify({
    format: FORMAT,
    version: PACKAGE_VERSION,
    site: wellFormed(change.site),
    epoch,
    from,
    to,
    endsTransaction,
    schemaHash,
    ...(snapshot === undefined ? {} : { snapshot: { part: snapshot.part, isLast: snapshot.isLast } }),
    ...jsonOfGroups(change.groups),
    checksum,
  });
}

/**
 * Reads the JSON form of a package. Throws `SyncError` `damaged-package` for text that is no package of a version known here,
 * or whose checksum, that of the binary form of the same package, does not hold.
 */
export function parseChangePackage(text: string): ChangePackage {
  const { change, checksum } = parseUnsealed(text);
  if (packageChecksum(change) !== checksum) throw damagedPackage("has a checksum that does not hold");
  return change;
}

/** As `parseChangePackage`, with the checksum that the text states, held against nothing. */
export function parseUnsealed(text: string): { readonly change: ChangePackage; readonly checksum: number } {
  const json = parseJson(text);
  const isPackage = typeof json === "object" && json !== null && "format" in json && json.format === FORMAT;
  if (!isPackage) throw damagedPackage("does not say that it is one");
  const { version } = json as { readonly version?: unknown };
  if (version !== PACKAGE_VERSION)
    throw damagedPackage(otherVersion(typeof version === "number" ? version : "unknown"));
  const fields = new JsonFields(json, "a package", FIELDS);
  const head = {
    site: fields.text("site"),
    epoch: fields.number("epoch"),
    from: fields.number("from"),
    to: fields.number("to"),
    endsTransaction: fields.boolean("endsTransaction"),
    schemaHash: fields.number("schemaHash"),
    snapshot: fields.has("snapshot") ? snapshotOf(fields.get("snapshot")) : undefined,
  };
  const problem = problemOfNumbers(head);
  if (problem !== undefined) throw damagedPackage(problem);
  const groups = new GroupsParser(fields.list("tables")).parse(fields.list("groups"));
  return { change: { ...head, groups }, checksum: fields.number("checksum") };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damagedPackage("is no JSON", error);
  }
}

function snapshotOf(json: unknown): { part: number; isLast: boolean } {
  const fields = new JsonFields(json, "a snapshot", ["part", "isLast"]);
  return { part: fields.number("part"), isLast: fields.boolean("isLast") };
}
