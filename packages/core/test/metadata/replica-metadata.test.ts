import { expect, test } from "vitest";
import { SyncError } from "../../src/errors/sync-error.js";
import { decodeMetadata, encodeMetadata, type ReplicaMetadata } from "../../src/metadata/replica-metadata.js";
import { crc32 } from "../../src/values/crc32.js";
import { encodeUtf8 } from "../../src/values/utf8.js";

const METADATA: ReplicaMetadata = {
  clientId: "laptop-3f2a0b1c-0000-4000-8000-000000000000",
  revision: "ä-17",
  witnesses: [7, 12],
  pages: {
    databaseSize: 12,
    header: { writeVersion: 1, readVersion: 1, schemaCookie: 4_294_967_295 },
    watermark: { salt1: 1, salt2: 4_294_967_295, frames: 5 },
    revertId: "abc",
  },
  finishedJournal: "0f".repeat(16),
  fileStamp: "8192:1",
  closed: true,
  rests: true,
  pushedChangeId: 3,
  lastPullAt: 1_700_000_000_000,
  lastPushAt: undefined,
};

const codeOf = (bytes: Uint8Array): string => {
  try {
    decodeMetadata(bytes, "x.db-info");
    return "fine";
  } catch (error) {
    return error instanceof SyncError ? error.code : `not a SyncError: ${String(error)}`;
  }
};

test("comes back as it was", () => {
  expect(decodeMetadata(encodeMetadata(METADATA), "x")).toEqual(METADATA);
  const { pages } = METADATA;
  const fresh = {
    ...METADATA,
    revision: undefined,
    pages: { ...pages, watermark: undefined, header: undefined },
  };
  expect(decodeMetadata(encodeMetadata(fresh), "x")).toEqual(fresh);
});

test("a change of any byte is noticed, and never anything but the typed error", () => {
  const bytes = encodeMetadata(METADATA);
  for (let index = 0; index < bytes.length; index++) {
    for (const flip of [0x01, 0x20, 0x80]) {
      const changed = Uint8Array.from(bytes);
      changed[index] = (changed[index] as number) ^ flip;
      const code = codeOf(changed);
      // White space around the JSON, and a spelling of the same JSON, carry nothing.
      if (code === "fine") expect(decodeMetadata(changed, "x")).toEqual(METADATA);
      else expect(code).toBe("damaged-metadata");
    }
  }
});

test("every truncation is noticed", () => {
  const bytes = encodeMetadata(METADATA);
  for (let length = 0; length < bytes.length - 1; length++) {
    expect(codeOf(bytes.subarray(0, length))).toBe("damaged-metadata");
  }
});

test("files of others are named", () => {
  const ofTurso = encodeUtf8('{"version":"v1","client_unique_id":"x"}');
  const ofLibsql = encodeUtf8('{"hash":1,"version":0,"durable_frame_num":0,"generation":1}');
  const checksum = crc32(encodeUtf8("2 {}")).toString(16).padStart(8, "0");
  const newer = encodeUtf8(
    `{"format":"tributary-replica","version":2,"checksum":"${checksum}","content":{}}`,
  );
  for (const [bytes, what] of [
    [ofTurso, /@tursodatabase\/sync/],
    [ofLibsql, /libSQL/],
    [newer, /another version/],
  ] as const) {
    expect(() => decodeMetadata(bytes, "x")).toThrowError(what);
    expect(codeOf(bytes)).toBe("not-a-replica");
  }
});

test("what has a checksum and makes no sense is damaged", () => {
  const file = (content: string): Uint8Array => {
    const checksum = crc32(encodeUtf8(`1 ${content}`))
      .toString(16)
      .padStart(8, "0");
    return encodeUtf8(
      `{"format":"tributary-replica","version":1,"checksum":"${checksum}","content":${content}}`,
    );
  };
  expect(codeOf(file("{}"))).toBe("damaged-metadata");
  expect(codeOf(file('{"clientId":"x","pages":null,"witnesses":[]}'))).toBe("damaged-metadata");
  expect(codeOf(file(`{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`))).toBe("damaged-metadata");
});
