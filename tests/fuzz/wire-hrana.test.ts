import { mutateBytes, mutateJson, type SeededRandom } from "@tributary/testkit";
import {
  decodeClientMessage,
  decodeCursorRequest,
  decodeHranaValue,
  decodePipelineRequest,
  encodeHranaValue,
  findBaton,
  type HranaBatch,
  type HranaBatchResult,
  type HranaValue,
  parseClientMessage,
  parseCursorRequest,
  parsePipelineRequest,
  parsePipelineResponse,
  stringifyPipelineRequest,
  WireError,
} from "@tributary/wire";
import { describe, expect } from "vitest";
import { pipelineResponseText } from "../../packages/wire/test/hrana/support/pipeline-response-text.js";
import { itSurvives } from "./support/fuzz.js";
import {
  CLIENT_MESSAGES,
  CLIENT_MESSAGES_IN_PROTOBUF,
  CURSORS,
  CURSORS_IN_PROTOBUF,
  PIPELINES_IN_PROTOBUF,
} from "./support/hrana-3-corpus.js";
import { HRANA_REQUESTS, HRANA_RESPONSES } from "./support/hrana-corpus.js";

const FILE = "wire-hrana.test.ts";
const isExpectedError = (error: unknown): boolean => error instanceof WireError;

/** Half of the texts are damaged as text, half as documents. */
function textsLike(corpus: readonly string[]): (random: SeededRandom) => string {
  const bytes = corpus.map((text) => new Uint8Array(Buffer.from(text)));
  const documents = corpus.map((text) => JSON.parse(text) as unknown);
  return (random) =>
    random.chance(0.5)
      ? Buffer.from(mutateBytes(bytes, random)).toString()
      : (JSON.stringify(mutateJson(documents, random)) ?? "");
}

describe("Hrana", () => {
  itSurvives(FILE, "pipeline request", {
    makeInput: textsLike(HRANA_REQUESTS),
    decode: (text) => stringifyPipelineRequest(parsePipelineRequest(text)),
    isExpectedError,
    count: 50_000,
  });
  itSurvives(FILE, "pipeline response", {
    makeInput: textsLike(HRANA_RESPONSES),
    decode: (text) => {
      const response = parsePipelineResponse(text);
      for (const result of response.results) {
        if (result.type === "ok" && result.response.type === "batch") decodeRows(result.response.result);
      }
      return pipelineResponseText(response);
    },
    isExpectedError,
    count: 50_000,
  });
  itSurvives(FILE, "cursor request", {
    makeInput: textsLike(CURSORS),
    decode: (text) => stringifyBatch(parseCursorRequest(text).batch),
    isExpectedError,
    count: 10_000,
  });
  itSurvives(FILE, "client message", {
    makeInput: textsLike(CLIENT_MESSAGES),
    decode: (text) => JSON.stringify(parseClientMessage(text)),
    isExpectedError,
    count: 20_000,
  });
  itSurvives(FILE, "baton", {
    makeInput: textsLike([...HRANA_REQUESTS, ...CURSORS]),
    decode: (text) => findBaton(Buffer.from(text), "json"),
    isExpectedError,
    count: 10_000,
  });
  itSurvives(FILE, "protobuf: pipeline request", {
    makeInput: (random) => mutateBytes(PIPELINES_IN_PROTOBUF, random),
    decode: (bytes) => {
      const request = decodePipelineRequest(bytes);
      expect(findBaton(bytes, "protobuf")).toBe(request.baton);
      expectChecked(request, parsePipelineRequest);
    },
    isExpectedError,
    count: 10_000,
  });
  itSurvives(FILE, "protobuf: cursor request", {
    makeInput: (random) => mutateBytes(CURSORS_IN_PROTOBUF, random),
    decode: (bytes) => {
      const request = decodeCursorRequest(bytes);
      expect(findBaton(bytes, "protobuf")).toBe(request.baton);
      expectChecked(request, parseCursorRequest);
    },
    isExpectedError,
    count: 10_000,
  });
  itSurvives(FILE, "protobuf: client message", {
    makeInput: (random) => mutateBytes(CLIENT_MESSAGES_IN_PROTOBUF, random),
    decode: (bytes) => expectChecked(decodeClientMessage(bytes), parseClientMessage),
    isExpectedError,
    count: 50_000,
  });
  itSurvives(FILE, "value", {
    makeInput: valueText,
    decode: (text) => decodeHranaValue(JSON.parse(text) as HranaValue),
    isExpectedError,
    count: 200_000,
  });
});

/** Goes through all of a batch. */
function stringifyBatch(batch: HranaBatch): string {
  return stringifyPipelineRequest({ baton: null, requests: [{ type: "batch", batch }] });
}

/** The reader of JSON takes what the one of protobuf gave, but for floats that JSON does not have. */
function expectChecked(request: unknown, parse: (text: string) => unknown): void {
  const text = JSON.stringify(request, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? 0 : value,
  );
  try {
    parse(text);
  } catch (error) {
    throw new Error(`protobuf let through what JSON refuses: ${text}`, { cause: error });
  }
}

function decodeRows({ step_results }: HranaBatchResult): void {
  for (const result of step_results) for (const row of result?.rows ?? []) row.map(decodeHranaValue);
}

const INTEGERS = ["0", "-1", "9223372036854775807", "-9223372036854775808", "12345"].map(
  (text) => new Uint8Array(Buffer.from(text)),
);
const BASE64 = [0, 1, 2, 3, 30].map((length) => {
  const value = encodeHranaValue(Uint8Array.from({ length }, (_, index) => index * 41));
  return new Uint8Array(Buffer.from((value as { base64: string }).base64));
});

/** The JSON of a value of the right type, with junk in it. */
function valueText(random: SeededRandom): string {
  if (random.chance(0.5)) {
    const value = Buffer.from(mutateBytes(INTEGERS, random)).toString("latin1");
    return JSON.stringify({ type: "integer", value });
  }
  const base64 = Buffer.from(mutateBytes(BASE64, random)).toString("latin1");
  return JSON.stringify({ type: "blob", base64 });
}
