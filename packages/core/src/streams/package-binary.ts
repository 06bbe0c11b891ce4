import { crc32 } from "../values/crc32.js";
import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import type { ChangePackage } from "./change-package.js";
import { damagedPackage } from "./damaged-package.js";
import { GroupReader } from "./group-reader.js";
import { GroupWriter, unfit } from "./group-writer.js";
import { otherVersion, PACKAGE_VERSION, problemOfNumbers } from "./package-problem.js";

/** "TRCP" */
const MAGIC = [0x54, 0x52, 0x43, 0x50] as const;
const FLAG = { endsTransaction: 1, snapshot: 2, lastPart: 4 } as const;
const KNOWN_FLAGS = 7;
const CHECKSUM_BYTES = 4;
/** Magic, version, flags, site, epoch, window, schema hash, number of groups, checksum. */
const SHORTEST = 4 + 1 + 1 + 1 + 1 + 2 + 4 + 1 + CHECKSUM_BYTES;

/**
 * The binary form of a package: docs/WIRE_FORMAT.md. The same package always gives the same bytes. Lone surrogates in text
 * become U+FFFD. Throws `internal` for what is no package, such as a row of another width than its table.
 */
export function encodeChangePackage(change: ChangePackage): Uint8Array {
  const writer = writeContent(change);
  writer.u32(crc32(writer.bytes));
  return writer.bytes.slice();
}

/** The checksum at the end of the binary form, which the JSON form carries too. */
export function packageChecksum(change: ChangePackage): number {
  return crc32(writeContent(change).bytes);
}

/**
 * Reads the binary form of a package. Throws `SyncError` `damaged-package` for bytes that are no package of a version known
 * here, or whose checksum does not hold. Takes memory in proportion to the bytes only, whatever they claim.
 */
export function decodeChangePackage(bytes: Uint8Array): ChangePackage {
  const end = bytes.length - CHECKSUM_BYTES;
  if (bytes.length < SHORTEST || MAGIC.some((byte, index) => bytes[index] !== byte))
    throw damagedPackage("does not begin as one");
  const reader = new ByteReader(bytes, end);
  for (let count = 0; count < MAGIC.length; count++) reader.byte();
  const version = reader.byte();
  if (version !== PACKAGE_VERSION) throw damagedPackage(otherVersion(version));
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  if (crc32(bytes.subarray(0, end)) !== stored) throw damagedPackage("has a checksum that does not hold");
  return readContent(reader);
}

function writeContent(change: ChangePackage): ByteWriter {
  const problem = problemOfNumbers(change);
  if (problem !== undefined) throw unfit(problem);
  const { snapshot, groups } = change;
  const writer = new ByteWriter();
  for (const byte of MAGIC) writer.byte(byte);
  writer.byte(PACKAGE_VERSION);
  writer.byte(
    (change.endsTransaction ? FLAG.endsTransaction : 0) |
      (snapshot === undefined ? 0 : FLAG.snapshot) |
      (snapshot?.isLast ? FLAG.lastPart : 0),
  );
  writer.text(change.site);
  writer.varint(change.epoch);
  writer.varint(change.from);
  writer.varint(change.to - change.from);
  writer.u32(change.schemaHash);
  if (snapshot !== undefined) writer.varint(snapshot.part);
  writer.varint(groups.length);
  const groupWriter = new GroupWriter(writer, change.site);
  for (const group of groups) groupWriter.write(group);
  return writer;
}

function readContent(reader: ByteReader): ChangePackage {
  const flags = reader.byte();
  const isSnapshot = (flags & FLAG.snapshot) !== 0;
  const isLast = (flags & FLAG.lastPart) !== 0;
  if ((flags & ~KNOWN_FLAGS) !== 0 || (isLast && !isSnapshot))
    throw damagedPackage(`has flags ${flags} that mean nothing here`);
  const site = reader.text();
  const epoch = reader.varint();
  const from = reader.varint();
  const to = from + reader.varint();
  const schemaHash = reader.u32();
  const snapshot = isSnapshot ? { part: reader.varint(), isLast } : undefined;
  const endsTransaction = (flags & FLAG.endsTransaction) !== 0;
  const head = { site, epoch, from, to, endsTransaction, schemaHash, snapshot };
  const problem = problemOfNumbers(head);
  if (problem !== undefined) throw damagedPackage(problem);
  const groups = new GroupReader(reader, site).readAll();
  if (reader.left > 0) throw damagedPackage(`goes on for ${reader.left} bytes after its end`);
  return { ...head, groups };
}
