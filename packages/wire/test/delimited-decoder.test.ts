import { DelimitedDecoder, delimit, WireError } from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function drain(decoder: DelimitedDecoder): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let message = decoder.next(); message !== undefined; message = decoder.next()) messages.push(message);
  return messages;
}

describe("DelimitedDecoder", () => {
  it("gives the messages back, wherever the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
        (messages, cuts) => {
          const stream = concat(messages.map(delimit));
          const decoder = new DelimitedDecoder({ maxMessageBytes: 300 });
          const seen: Uint8Array[] = [];
          for (let offset = 0, cut = 0; offset < stream.length; cut++) {
            const end = offset + (cuts[cut % cuts.length] as number);
            decoder.push(stream.subarray(offset, end));
            seen.push(...drain(decoder));
            offset = end;
          }
          decoder.end();
          expect(seen).toEqual(messages);
        },
      ),
    );
  });

  it("does not copy a message that lies within a chunk", () => {
    const decoder = new DelimitedDecoder({ maxMessageBytes: 10 });
    const chunk = bytesOf(2, 7, 8, 1, 9);
    decoder.push(chunk);
    expect(drain(decoder).map(({ buffer }) => buffer)).toEqual([chunk.buffer, chunk.buffer]);
  });

  it("refuses a message from its length alone", () => {
    const decoder = new DelimitedDecoder({ maxMessageBytes: 5000 });
    decoder.push(bytesOf(0xff, 0xff, 0xff, 0xff, 0x0f));
    expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "too-long" }));
    decoder.push(bytesOf(0));
    expect(() => decoder.next(), "later calls").toThrow(WireError);
    expect(() => decoder.end(), "the end").toThrow(WireError);
  });

  it("refuses a length without end", () => {
    const decoder = new DelimitedDecoder({ maxMessageBytes: 5000 });
    decoder.push(new Uint8Array(20).fill(0x80));
    expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it.each([
    ["inside a length", [0x81]],
    ["between length and message", [3]],
    ["inside a message", [3, 1, 2]],
  ])("notices a stream that ends %s", (_place, bytes) => {
    const decoder = new DelimitedDecoder({ maxMessageBytes: 5000 });
    decoder.push(Uint8Array.from(bytes));
    expect(decoder.next()).toBeUndefined();
    expect(() => decoder.end()).toThrow(expect.objectContaining({ code: "truncated" }));
  });

  it("reads 256 KiB pushed byte by byte without taking quadratic time", () => {
    const message = new Uint8Array(1 << 18).fill(7);
    const decoder = new DelimitedDecoder({ maxMessageBytes: message.length });
    const stream = delimit(message);
    let early = 0;
    for (let offset = 0; offset < stream.length; offset++) {
      if (decoder.next() !== undefined) early++;
      decoder.push(stream.subarray(offset, offset + 1));
    }
    expect([early, decoder.next()?.length]).toEqual([0, message.length]);
  });
});
