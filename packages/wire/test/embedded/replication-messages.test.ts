import {
  checkHelloRequest,
  decodeLogOffset,
  encodeFrameList,
  encodeFrameStream,
  encodeHelloAnswer,
} from "@tributary/wire";
import { expect, test } from "vitest";
import { ProtobufReader } from "../../src/framing/protobuf-reader.js";

const LOG = "5f9c1a52-7a0b-8c43-8d21-000102030405";

test("what the real client sends is read: its hello, and what it wants next", () => {
  checkHelloRequest(Uint8Array.of(0x08, 1));
  checkHelloRequest(new Uint8Array());
  expect(() => checkHelloRequest(Uint8Array.of(0x08))).toThrow("ends inside a field");
  expect(decodeLogOffset(new Uint8Array())).toBe(0n);
  expect(decodeLogOffset(Uint8Array.of(0x08, 4))).toBe(4n);
  expect(decodeLogOffset(Uint8Array.of(0x08, 4, 0x10, 1))).toBe(4n);
  expect(decodeLogOffset(Uint8Array.of(0x08, ...new Array(9).fill(0xff), 1))).toBe(2n ** 64n - 1n);
  expect(() => decodeLogOffset(Uint8Array.of(0x0a, 1, 1))).toThrow("next_offset should be a varint");
});

test("a hello is answered with the log, the session and the newest frame, if there is one", () => {
  const read = (bytes: Uint8Array): unknown[] => {
    const reader = new ProtobufReader(bytes);
    const fields: unknown[] = [];
    while (reader.next())
      fields.push([reader.field, reader.field === 5 ? reader.uint64("") : reader.string("")]);
    return fields;
  };
  const head = [
    [1, LOG],
    [3, LOG],
    [4, "session"],
  ];
  const answer = { logId: LOG, sessionToken: "session" };
  expect(read(encodeHelloAnswer({ ...answer, currentFrame: undefined }))).toEqual(head);
  for (const currentFrame of [0n, 65_536n, 2n ** 53n + 1n, 2n ** 64n - 1n])
    expect(read(encodeHelloAnswer({ ...answer, currentFrame }))).toEqual([...head, [5, currentFrame]]);
});

test("frames are those of libSQL, as a list and as a stream", () => {
  const pages = new Uint8Array(2 * 4096);
  pages.fill(0xaa, 0, 4096).fill(0xbb, 4096);
  const frames = {
    pageIds: Uint32Array.of(0, 0x010203),
    pages,
    frameNumberOf: (index: number) => 0x0102030405n + BigInt(index),
    sizeAfter: 0x0a0b0c,
  };
  const first = [5, 4, 3, 2, 1, 0, 0, 0, ...new Array(8).fill(0), 1, 0, 0, 0, 0, 0, 0, 0];
  const second = [6, 4, 3, 2, 1, 0, 0, 0, ...new Array(8).fill(0), 4, 2, 1, 0, 0x0c, 0x0b, 0x0a, 0];

  const list = encodeFrameList(frames);
  const reader = new ProtobufReader(list);
  const found: Uint8Array[] = [];
  while (reader.next()) {
    expect(reader.field).toBe(1);
    reader.enter("frames");
    expect(reader.next()).toBe(true);
    expect(reader.field).toBe(1);
    found.push(reader.bytes("data"));
    expect(reader.next()).toBe(false);
    reader.leave();
  }
  expect(found.map((frame) => [...frame.subarray(0, 24)])).toEqual([first, second]);
  expect(found.map((frame) => frame.length)).toEqual([4120, 4120]);
  expect(found[1]?.subarray(24)).toEqual(pages.subarray(4096));

  const stream = encodeFrameStream(frames);
  expect(stream).toHaveLength(2 * (5 + 4123));
  for (const [index, frame] of found.entries()) {
    const message = stream.subarray(index * 4128, (index + 1) * 4128);
    expect([...message.subarray(0, 8)]).toEqual([0, 0, 0, 0x10, 0x1b, 0x0a, 0x98, 0x20]);
    expect(message.subarray(8)).toEqual(frame);
  }
  expect(encodeFrameList({ ...frames, pageIds: new Uint32Array() })).toHaveLength(0);
});
