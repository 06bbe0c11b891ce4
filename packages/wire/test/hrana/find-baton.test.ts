import { findBaton, parsePipelineRequest, WireError } from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectValueOrWireError, junkLike } from "../junk.js";

const find = (text: string): string | null => findBaton(Buffer.from(text), "json");
/** Nothing that could be parsed. */
const REST = ',"requests":[{"type":';

describe("the baton of a JSON body", () => {
  it.each([
    ['{"baton":"abc","requests":[]}', "abc"],
    ['{"baton":"abc"}', "abc"],
    ['{"baton":null,"requests":[]}', null],
    [' \r\n\t{ \n"baton" \t:\n "abc" \r}', "abc"],
    ['{"baton":"a\\"b\\\\","requests":[]}', 'a"b\\'],
    ['{"baton":"\\u00e9é\u{1f600}","requests":[]}', "éé\u{1f600}"],
    ['{"baton":"","requests":[]}', ""],
    ['{"requests":[],"baton":"abc"}', "abc"],
    ['{"requests":[],"baton":null}', null],
    ['{"requests":[],"x":{"baton":"inner"}}', null],
    ['{"requests":[],"x":{"baton":"inner"},"baton":"abc"}', "abc"],
    ['{"requests":[],"x \\"baton":"no","baton":"abc"}', "abc"],
    ['{"x":"baton","y":"\\"baton\\":\\"no\\""}', null],
    ['{"requests":[]}', null],
    ['{"batonbaton":"x","baton":"abc"}', "abc"],
  ])("of %s is %j", (body, baton) => {
    expect(find(body)).toBe(baton);
  });

  it("is read without the rest", () => {
    expect(find(`{"baton":"abc"${REST}`)).toBe("abc");
    expect(find(`{"baton":null${REST}`)).toBeNull();
    // No key of that name: nothing is parsed.
    expect(find(`{"x":"baton"${REST}`)).toBeNull();
  });

  it.each([
    '{"baton":5}',
    '{"baton":true}',
    '{"baton":nul}',
    '{"baton":{"a":1}}',
    '{"baton":["a"]}',
    '{"baton":"abc',
    '{"baton":"abc\\',
    '{"baton":"abc"',
    '{"baton":"abc"]',
    '{"baton":"\\q"}',
    '{"baton":',
    '{"baton":}',
    '{"x":1,"baton":"abc"',
    '{"x":1,"baton":5}',
    '["baton":"abc"]',
  ])("is not in %s", (body) => {
    expect(() => find(body)).toThrow(expect.objectContaining({ name: "WireError", code: "malformed" }));
  });

  it("is found in a long body only where it comes first, and nothing else of that is looked at", () => {
    const long = `"x":"${"y".repeat(1024 * 1024)}"`;
    expect(find(`{"baton":"abc",${long}${REST}`)).toBe("abc");
    expect(find(`{${long},"baton":"abc"${REST}`)).toBeNull();
    expect(find(`{"x":1,"baton":"abc",${long}${REST}`)).toBeNull();
    const tail = Buffer.alloc(1024 * 1024, 0xff);
    const baton = [0x0a, 3, ...Buffer.from("abc")];
    const ping = [0x18, 1];
    expect(findBaton(Buffer.from([...baton, 0x12, 0]), "protobuf")).toBe("abc");
    expect(findBaton(Buffer.concat([Buffer.from([...baton, ...ping]), tail]), "protobuf")).toBe("abc");
    expect(findBaton(Buffer.concat([Buffer.from([...baton, 0x0a, 0]), tail]), "protobuf")).toBe("abc");
    expect(findBaton(Buffer.concat([Buffer.from([...ping, ...baton]), tail]), "protobuf")).toBeNull();
  });

  it("is UTF-8", () => {
    const body = Buffer.from('{"baton":"é"}', "latin1");
    expect(() => findBaton(body, "json")).toThrow(WireError);
  });

  it("is the one that the whole body has", () => {
    const text = fc.string({ unit: fc.constantFrom("b", "a", "t", '"baton"', '"', "\\", ":", " ", "é") });
    const bodies = fc.dictionary(fc.oneof(text, fc.constant("x")), text);
    fc.assert(
      fc.property(
        bodies,
        fc.option(text),
        fc.boolean(),
        fc.nat({ max: 2 }),
        (others, baton, isFirst, indent) => {
          const { baton: _, ...rest } = others;
          const document = isFirst ? { baton, ...rest, requests: [] } : { ...rest, requests: [], baton };
          const body = JSON.stringify(document, undefined, indent);
          expect(find(body)).toBe(baton);
          expect(parsePipelineRequest(body).baton).toBe(baton);
        },
      ),
    );
  });

  it("is a text, null or a WireError, whatever comes", () => {
    const good = Buffer.from('{"requests":[],"x":"\\"baton","baton" : "ab\\n"}');
    fc.assert(
      fc.property(fc.oneof(junkLike(good), junkLike(good.subarray(31))), (body) =>
        expectValueOrWireError(() => findBaton(body, "json")),
      ),
      { numRuns: 1000 },
    );
  });
});
