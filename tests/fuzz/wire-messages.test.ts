import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import {
  DelimitedDecoder,
  decodePageMessage,
  decodePageSelector,
  decodePullUpdatesHeader,
  decodePullUpdatesRequest,
  delimit,
  encodePageMessage,
  encodePageRange,
  encodePullUpdatesHeader,
  encodePullUpdatesRequest,
  WireError,
} from "@tributary/wire";
import { describe } from "vitest";
import { itSurvives } from "./support/fuzz.js";
import { ROARING_BITMAPS } from "./support/roaring-bitmaps.js";

const FILE = "wire-messages.test.ts";
const isExpectedError = (error: unknown): boolean => error instanceof WireError;
const from =
  (corpus: readonly Uint8Array[]) =>
  (random: SeededRandom): Uint8Array =>
    mutateBytes(corpus, random);

const REVISIONS = ["", "r1", "6f2a9c0e11d4b377-42", "é\u{1f600}"];
const REQUESTS = REVISIONS.flatMap((clientRevision, index) => [
  encodePullUpdatesRequest({
    encoding: index % 2 === 0 ? "raw" : "zstd",
    serverRevision: REVISIONS[3 - index] as string,
    clientRevision,
    longPollTimeoutMs: index * 70_000,
    pagesSelector: index === 0 ? new Uint8Array() : encodePageRange(index, 1000 * index),
    querySelector: index === 3 ? "SELECT 1" : "",
    streamKind: index === 2 ? "mvcc-logical-log" : "pages",
  }),
]);
const HEADERS = REVISIONS.map((serverRevision, index) =>
  encodePullUpdatesHeader({
    serverRevision,
    databaseSize: [0, 1, 70_000, 2 ** 53 - 1][index] as number,
    encoding: index === 1 ? "zstd" : "raw",
    applyMode: index === 2 ? "replace-base" : "incremental",
    protocol: index === 0 ? "unspecified" : "pages",
  }),
);
const PAGE = Uint8Array.from({ length: 4096 }, (_, index) => index % 251);
const PAGE_MESSAGES = [0, 1, 200, 2 ** 32 - 1].map((id) => encodePageMessage(id, PAGE).slice(2));
const SHORT_PAGES = [
  Uint8Array.of(0x08, 5, 0x12, 3, 1, 2, 3),
  Uint8Array.of(0x08, 0x80, 1, 0x12, 0, 0x1d, 1, 2, 3, 4),
];

const LIMIT = 512;
const STREAMS = [
  Buffer.concat([...HEADERS, ...REQUESTS].map(delimit)),
  Buffer.concat([
    delimit(new Uint8Array(0)),
    delimit(new Uint8Array(200).fill(9)),
    delimit(Uint8Array.of(1)),
  ]),
];

/** Reads a stream to its end, in pieces as the sizes say. */
function readStream(bytes: Uint8Array, sizes: () => number): number {
  const decoder = new DelimitedDecoder({ maxMessageBytes: LIMIT });
  let messages = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + sizes());
    decoder.push(bytes.subarray(at, end));
    at = end;
    for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
      if (message.length > LIMIT) throw new Error(`a message of ${message.length} bytes`);
      messages++;
    }
  }
  decoder.end();
  return messages;
}

/** What reading comes to, an error included. */
function outcomeOf(read: () => number): string {
  try {
    return `${read()} messages`;
  } catch (error) {
    if (error instanceof WireError) return `${error.code} ${error.message}`;
    throw error;
  }
}

describe("protobuf messages", () => {
  itSurvives(FILE, "pull request", {
    makeInput: from(REQUESTS),
    decode: decodePullUpdatesRequest,
    isExpectedError,
    count: 200_000,
  });
  itSurvives(FILE, "pull header", {
    makeInput: from(HEADERS),
    decode: decodePullUpdatesHeader,
    isExpectedError,
    count: 200_000,
  });
  itSurvives(FILE, "page message", {
    makeInput: from(PAGE_MESSAGES),
    decode: decodePageMessage,
    isExpectedError,
    count: 150_000,
  });
  itSurvives(FILE, "message with a page too short", {
    makeInput: from([...SHORT_PAGES, ...HEADERS]),
    // Refused whatever it is: what counts is that the fields before are read as far as they go.
    decode: (bytes) => {
      if (bytes.length < 4096) return refusalOf(() => decodePageMessage(bytes));
      return decodePageMessage(bytes);
    },
    isExpectedError,
    refuses: false,
    count: 100_000,
  });
});

describe("framing", () => {
  itSurvives(FILE, "stream in one piece", {
    makeInput: from(STREAMS),
    decode: (bytes) => readStream(bytes, () => bytes.length),
    isExpectedError,
    count: 100_000,
  });
  itSurvives(FILE, "stream in pieces", {
    makeInput: from(STREAMS),
    // The pieces must make no difference; their sizes come from the bytes themselves.
    decode(bytes) {
      let at = 0;
      const sizes = (): number => 1 + ((bytes[at++ % bytes.length] as number) % 40);
      const whole = outcomeOf(() => readStream(bytes, () => bytes.length));
      const inPieces = outcomeOf(() => readStream(bytes, sizes));
      if (whole.startsWith("truncated") !== inPieces.startsWith("truncated"))
        throw new Error(`${whole} in one piece, ${inPieces} in pieces`);
      if (!whole.startsWith("truncated") && whole !== inPieces)
        throw new Error(`${whole} in one piece, ${inPieces} in pieces`);
      return whole;
    },
    isExpectedError,
    refuses: false,
    count: 100_000,
  });
});

describe("page selectors", () => {
  const decode = (bytes: Uint8Array): void => {
    const selector = decodePageSelector(bytes);
    for (let id = 0; id < 2 ** 32; id += 0x0523_4567) selector.has(id);
    let last = -1;
    let count = 0;
    for (const id of selector) {
      if (id <= last || !selector.has(id)) throw new Error(`${id} after ${last}`);
      last = id;
      // A run of a few bytes can stand for any number of ids.
      if (++count === 1000) return;
    }
    if (count !== selector.size) throw new Error(`${count} ids of ${selector.size}`);
  };
  itSurvives(FILE, "roaring bitmap with arrays and short runs", {
    makeInput: from(ROARING_BITMAPS.small),
    decode,
    isExpectedError,
    count: 200_000,
  });
  itSurvives(FILE, "roaring bitmap with long runs and bitmaps", {
    makeInput: from(ROARING_BITMAPS.large),
    decode,
    isExpectedError,
    count: 5_000,
  });
});

function refusalOf(decode: () => unknown): WireError {
  try {
    decode();
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error("a short page was taken");
}
