import { crc32 } from "../values/crc32.js";
import { decodeUtf8 } from "../values/utf8.js";

/** What libSQL's client notes of a replica in `<database>-info`. */
export interface LibsqlMetadata {
  /** Frames of the write-ahead log, from its start, that the remote has. */
  readonly durableFrames: number;
  /** Generation of the remote's log that these frames belong to; at least 1. */
  readonly generation: number;
}

/** What could be read of such a file. */
export type LibsqlMetadataFile =
  /** `mended`: one byte of it was wrong, and only one value of that byte fits the checksum. */
  | { readonly type: "known"; readonly metadata: LibsqlMetadata; readonly mended: boolean }
  /** It is libSQL's, but what it says cannot be relied on. */
  | { readonly type: "unreliable" }
  /** Nothing tells that it is libSQL's. */
  | { readonly type: "foreign" };

/** No file that libSQL writes is longer, in bytes; mending one that is would take long. */
const LONGEST = 120;
/** The characters of such a file. */
const CHARACTERS = '{}":,0123456789_abdefghilmnorstuv';
const KEYS = ["hash", "version", "durable_frame_num", "generation"] as const;

/**
 * Reads libSQL's metadata: JSON with the four keys, each a u32, `hash` being the CRC-32 of the other three as little-endian
 * words. libSQL itself refuses the replica for any wrong byte. The file is so short that a wrong byte can be found by trying.
 */
export function readLibsqlMetadata(bytes: Uint8Array): LibsqlMetadataFile {
  const found = parse(bytes);
  if (found !== undefined) {
    const { version, generation } = found;
    if (version !== 0 || generation === 0) return { type: "unreliable" };
    return { type: "known", metadata: metadataOf(found), mended: false };
  }
  const mended = mend(bytes);
  if (mended !== undefined) return { type: "known", metadata: metadataOf(mended), mended: true };
  return { type: looksLikeIt(bytes) ? "unreliable" : "foreign" };
}

/** What libSQL's checks do not refuse; `undefined` for everything else. Version and generation are the caller's to check. */
function parse(bytes: Uint8Array): Fields | undefined {
  let file: unknown;
  try {
    file = JSON.parse(decodeUtf8(bytes));
  } catch {
    return undefined;
  }
  if (typeof file !== "object" || file === null) return undefined;
  const fields = file as Record<string, unknown>;
  if (!KEYS.every((key) => isU32(fields[key]))) return undefined;
  const { hash, version, durable_frame_num, generation } = fields as Record<(typeof KEYS)[number], number>;
  return check(hash, { version, durableFrames: durable_frame_num, generation });
}

function check(hash: number, fields: Fields): Fields | undefined {
  const words = new DataView(new ArrayBuffer(12));
  words.setUint32(0, fields.version, true);
  words.setUint32(4, fields.durableFrames, true);
  words.setUint32(8, fields.generation, true);
  return crc32(new Uint8Array(words.buffer)) === hash ? fields : undefined;
}

interface Fields extends LibsqlMetadata {
  readonly version: number;
}

function metadataOf({ durableFrames, generation }: Fields): LibsqlMetadata {
  return { durableFrames, generation };
}

/** As libSQL writes it, to the letter. */
const WRITTEN = /^\{"hash":(\d{1,10}),"version":0,"durable_frame_num":(\d{1,10}),"generation":(\d{1,10})\}$/;

/** The one sense that a file has with one byte changed; `undefined` where there is none, or more than one. */
function mend(bytes: Uint8Array): Fields | undefined {
  if (bytes.length > LONGEST) return undefined;
  // One character for each byte, whatever it is.
  const text = String.fromCharCode(...bytes);
  let found: Fields | undefined;
  for (let at = 0; at < text.length; at++) {
    for (const character of CHARACTERS) {
      const match = WRITTEN.exec(text.slice(0, at) + character + text.slice(at + 1));
      if (match === null) continue;
      const [hash, durableFrames, generation] = match.slice(1).map(Number) as [number, number, number];
      const fields = check(hash, { version: 0, durableFrames, generation });
      if (fields === undefined || generation === 0) continue;
      const isOther =
        found !== undefined &&
        (found.durableFrames !== fields.durableFrames || found.generation !== fields.generation);
      if (isOther) return undefined;
      found = fields;
    }
  }
  return found;
}

/** Whether enough of the names is left to tell it from a file of Tributary's, or of anybody else's. */
function looksLikeIt(bytes: Uint8Array): boolean {
  const text = decodeUtf8(bytes.subarray(0, 4096));
  return text.includes("durable_frame") || (text.includes('"hash"') && text.includes('"version"'));
}

function isU32(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
