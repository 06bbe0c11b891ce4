import fc from "fast-check";
import { expect, test } from "vitest";
import { parseGeneration, parsePushAnswer, stringifyPushAnswer, WireError } from "../../src/index.js";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const answers = fc.record({
  status: fc.constantFrom("ok" as const, "conflict" as const),
  generation: u32,
  maxFrameNo: u32,
  baton: fc.option(fc.string(), { nil: undefined }),
});

test("an answer to a push survives the way there and back", () => {
  fc.assert(
    fc.property(answers, (answer) => {
      expect(parsePushAnswer(stringifyPushAnswer(answer))).toEqual(answer);
    }),
  );
});

test("it has the form that libSQL's client reads", () => {
  const answer = { status: "ok", generation: 1, maxFrameNo: 3, baton: undefined } as const;
  expect(stringifyPushAnswer(answer)).toBe('{"status":"ok","generation":1,"max_frame_no":3}');
  expect(stringifyPushAnswer({ ...answer, baton: "b" })).toBe(
    '{"status":"ok","generation":1,"max_frame_no":3,"baton":"b"}',
  );
  expect(parsePushAnswer('{"status":"ok","generation":1,"max_frame_no":3,"baton":null,"more":1}')).toEqual(
    answer,
  );
});

test.each([
  "",
  "null",
  "[]",
  "{}",
  '{"status":"ok","generation":1}',
  '{"status":"ok","max_frame_no":1}',
  '{"status":"maybe","generation":1,"max_frame_no":1}',
  '{"status":"ok","generation":-1,"max_frame_no":1}',
  '{"status":"ok","generation":1.5,"max_frame_no":1}',
  '{"status":"ok","generation":1,"max_frame_no":4294967296}',
  '{"status":"ok","generation":"1","max_frame_no":1}',
  '{"status":"ok","generation":1,"max_frame_no":1,"baton":5}',
])("%s is no answer to a push", (text) => {
  expect(() => parsePushAnswer(text)).toThrow(WireError);
});

test("a generation is a number from 1", () => {
  expect(parseGeneration('{"current_generation":7,"more":true}', "current_generation")).toBe(7);
  expect(parseGeneration('{"generation":4294967295}', "generation")).toBe(0xffff_ffff);
  for (const text of ['{"generation":0}', '{"current_generation":1}', '{"generation":null}', "5", "{"])
    expect(() => parseGeneration(text, "generation"), text).toThrow(WireError);
});
