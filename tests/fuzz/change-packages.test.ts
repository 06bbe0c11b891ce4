import { readFileSync } from "node:fs";
import {
  decodeChangePackage,
  encodeChangePackage,
  parseChangePackage,
  SyncError,
  stringifyChangePackage,
} from "@tributary/core";
import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import { describe } from "vitest";
import { packageChecksum } from "../../packages/core/src/streams/package-binary.js";
import { parseUnsealed } from "../../packages/core/src/streams/package-json.js";
import { crc32 } from "../../packages/core/src/values/crc32.js";
import { itSurvives } from "./support/fuzz.js";

const FILE = "change-packages.test.ts";
const isDamage = (error: unknown): boolean => error instanceof SyncError && error.code === "damaged-package";

const VECTORS = JSON.parse(
  readFileSync(new URL("../../docs/vectors/change-packages.json", import.meta.url), "utf8"),
) as readonly { readonly json: object; readonly binary: string }[];
const PACKAGES = VECTORS.map(({ binary }) => new Uint8Array(Buffer.from(binary, "hex")));
const TEXTS = VECTORS.map(({ json }) => new TextEncoder().encode(JSON.stringify(json)));

/** Changed bytes, mostly under a checksum that holds: without one nothing behind it would be tried. */
function sealedPackage(random: SeededRandom): Uint8Array {
  const bytes = mutateBytes(PACKAGES, random);
  if (bytes.length < 4 || random.chance(0.05)) return bytes;
  const end = bytes.length - 4;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

/** Changed JSON, with the checksum that its content would have where it has one. */
function sealedText(random: SeededRandom): Uint8Array {
  const bytes = mutateBytes(TEXTS, random);
  const text = new TextDecoder().decode(bytes);
  const stated = /"checksum":\d+/.exec(text)?.[0];
  if (stated === undefined || random.chance(0.05)) return bytes;
  const wanted = checksumOf(text);
  return wanted === undefined
    ? bytes
    : new TextEncoder().encode(text.replace(stated, `"checksum":${wanted}`));
}

function checksumOf(text: string): number | undefined {
  try {
    return packageChecksum(parseUnsealed(text).change);
  } catch {
    return undefined;
  }
}

describe("packages of change streams", () => {
  itSurvives(FILE, "binary form", {
    makeInput: sealedPackage,
    decode(bytes) {
      const change = decodeChangePackage(bytes);
      // What can be read is what would be written, so nothing can be said in two ways.
      const again = encodeChangePackage(change);
      if (!Buffer.from(again).equals(bytes)) throw new Error(`read ${Buffer.from(bytes).toString("hex")}`);
      const other = encodeChangePackage(parseChangePackage(stringifyChangePackage(change)));
      if (!Buffer.from(other).equals(bytes)) throw new Error("another package by way of JSON");
    },
    isExpectedError: isDamage,
    count: 12_000,
  });
  itSurvives(FILE, "JSON form", {
    makeInput: sealedText,
    decode(bytes) {
      const change = parseChangePackage(new TextDecoder().decode(bytes));
      const again = decodeChangePackage(encodeChangePackage(change));
      if (stringifyChangePackage(again) !== stringifyChangePackage(change))
        throw new Error("another package by way of bytes");
    },
    isExpectedError: isDamage,
    count: 8_000,
  });
});
