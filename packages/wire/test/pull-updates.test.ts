import {
  DelimitedDecoder,
  decodePageMessage,
  decodePullUpdatesHeader,
  decodePullUpdatesRequest,
  encodePageMessage,
  encodePageMessages,
  encodePullUpdatesHeader,
  encodePullUpdatesRequest,
  type PullUpdatesHeader,
  type PullUpdatesRequest,
  WireError,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tributary } from "../src/gen/pull-updates.js";
import { expectValueOrWireError, junkLike } from "./junk.js";

const PAGE = Uint8Array.from({ length: 4096 }, (_, index) => index % 251);

const REQUEST: PullUpdatesRequest = {
  encoding: "raw",
  serverRevision: "r2",
  clientRevision: "r1",
  longPollTimeoutMs: 5000,
  pagesSelector: Uint8Array.of(1, 2, 3),
  querySelector: "SELECT 1",
  streamKind: "pages",
};

const HEADER: PullUpdatesHeader = {
  serverRevision: "r2",
  databaseSize: 70_000,
  encoding: "raw",
  applyMode: "incremental",
  protocol: "pages",
};

const requests: fc.Arbitrary<PullUpdatesRequest> = fc.record({
  encoding: fc.constantFrom("raw", "zstd"),
  serverRevision: fc.string({ unit: "grapheme" }),
  clientRevision: fc.string({ unit: "grapheme" }),
  longPollTimeoutMs: fc.nat({ max: 0xffffffff }),
  pagesSelector: fc.uint8Array(),
  querySelector: fc.string({ unit: "grapheme" }),
  streamKind: fc.constantFrom("pages", "mvcc-logical-log"),
});

const headers: fc.Arbitrary<PullUpdatesHeader> = fc.record({
  serverRevision: fc.string({ unit: "grapheme" }),
  databaseSize: fc.maxSafeNat(),
  encoding: fc.constantFrom("raw", "zstd"),
  applyMode: fc.constantFrom("incremental", "replace-base"),
  protocol: fc.constantFrom("unspecified", "pages", "mvcc-logical"),
});

describe("pull request", () => {
  it("survives the way there and back", () => {
    fc.assert(
      fc.property(
        requests,
        (request) =>
          void expect(decodePullUpdatesRequest(encodePullUpdatesRequest(request))).toEqual(request),
      ),
    );
  });

  it("uses the field numbers of the protocol", () => {
    expect(Buffer.from(encodePullUpdatesRequest(REQUEST)).toString("hex")).toBe(
      "12027232" + "1a027231" + "208827" + "2a03010203" + "3a0853454c4543542031",
    );
  });

  it("reads a request with nothing set", () => {
    expect(decodePullUpdatesRequest(new Uint8Array())).toEqual({
      encoding: "raw",
      serverRevision: "",
      clientRevision: "",
      longPollTimeoutMs: 0,
      pagesSelector: new Uint8Array(),
      querySelector: "",
      streamKind: "pages",
    });
  });

  it("gives a value or a WireError for junk", () => {
    fc.assert(
      fc.property(junkLike(encodePullUpdatesRequest(REQUEST)), (bytes) =>
        expectValueOrWireError(() => decodePullUpdatesRequest(bytes)),
      ),
    );
  });

  it.each([-1, 1.5, 2 ** 32])("refuses a timeout of %d ms", (longPollTimeoutMs) => {
    expect(() => encodePullUpdatesRequest({ ...REQUEST, longPollTimeoutMs })).toThrow(WireError);
  });
});

describe("pull header", () => {
  it("survives the way there and back", () => {
    fc.assert(
      fc.property(
        headers,
        (header) => void expect(decodePullUpdatesHeader(encodePullUpdatesHeader(header))).toEqual(header),
      ),
    );
  });

  it("reads one of tursodb 0.6.0", () => {
    const header = decodePullUpdatesHeader(Buffer.from("0a0132" + "1002" + "1a00" + "4001", "hex"));
    expect(header).toEqual({ ...HEADER, serverRevision: "2", databaseSize: 2 });
  });

  it.each([
    ["names no page encoding", "0a0132" + "1002"],
    ["names two page encodings", "0a0132" + "1002" + "1a00" + "2200"],
    ["has a size that is no safe integer", "10ffffffffffffffffff01" + "1a00"],
    ["is cut", "0a0532"],
    ["has an unknown way to apply", "1a00" + "3009"],
  ])("refuses one that %s", (_what, hex) => {
    expect(() => decodePullUpdatesHeader(Buffer.from(hex, "hex"))).toThrow(WireError);
  });

  it("gives a value or a WireError for junk", () => {
    fc.assert(
      fc.property(junkLike(encodePullUpdatesHeader(HEADER)), (bytes) =>
        expectValueOrWireError(() => decodePullUpdatesHeader(bytes)),
      ),
    );
  });
});

describe("page message", () => {
  const undelimited = (bytes: Uint8Array): Uint8Array => {
    const decoder = new DelimitedDecoder({ maxMessageBytes: 5000 });
    decoder.push(bytes);
    const message = decoder.next() as Uint8Array;
    decoder.end();
    return message;
  };

  it.each([0, 1, 127, 128, 16_384, 2 ** 31, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER])(
    "survives with page id %d",
    (pageId) => {
      const message = undelimited(encodePageMessage(pageId, PAGE));
      expect(decodePageMessage(message)).toEqual({ pageId, page: PAGE });
    },
  );

  it("is what generated code reads and writes", () => {
    const Generated = tributary.wire.PullUpdatesPage;
    fc.assert(
      fc.property(fc.nat({ max: 0xffffffff }), (pageId) => {
        const decoded = Generated.decode(undelimited(encodePageMessage(pageId, PAGE)));
        expect([Number(decoded.pageId), Buffer.compare(decoded.encodedPage, PAGE)]).toEqual([pageId, 0]);
        const encoded = Generated.encode({ pageId, encodedPage: PAGE }).finish();
        expect(decodePageMessage(encoded).pageId).toBe(pageId);
      }),
      { numRuns: 30 },
    );
  });

  it("comes many in a buffer", () => {
    const pageIds = Uint32Array.of(0, 1, 300, 70_000);
    const pages = new Uint8Array(pageIds.length * 4096).map((_, index) => index >> 12);
    const decoder = new DelimitedDecoder({ maxMessageBytes: 5000 });
    decoder.push(encodePageMessages(pageIds, pages));
    for (const [index, pageId] of pageIds.entries()) {
      const message = decodePageMessage(decoder.next() as Uint8Array);
      expect([message.pageId, message.page[0], message.page[4095]]).toEqual([pageId, index, index]);
    }
    decoder.end();
  });

  it("passes over fields of later versions", () => {
    const later = Buffer.from("18ffffffffffffffffff01" + "2101020304050607082a0101" + "3501020304", "hex");
    const message = Buffer.concat([undelimited(encodePageMessage(5, PAGE)), later]);
    expect(decodePageMessage(message).pageId).toBe(5);
  });

  it.each([4095, 4097, 0])("refuses a page of %d bytes", (size) => {
    const message = tributary.wire.PullUpdatesPage.encode({
      pageId: 1,
      encodedPage: new Uint8Array(size),
    }).finish();
    expect(() => decodePageMessage(message)).toThrow(WireError);
    expect(() => encodePageMessage(1, new Uint8Array(size))).toThrow(WireError);
  });

  it("gives a value or a WireError for junk", () => {
    const message = undelimited(encodePageMessage(5, PAGE));
    fc.assert(
      fc.property(junkLike(message), (bytes) => expectValueOrWireError(() => decodePageMessage(bytes))),
    );
    fc.assert(
      fc.property(junkLike(message.subarray(0, 5)), (bytes) =>
        expectValueOrWireError(() => decodePageMessage(bytes)),
      ),
    );
  });
});
