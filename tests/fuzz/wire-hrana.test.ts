import { mutateBytes, mutateJson, type SeededRandom } from "@tributary/testkit";
import {
  decodeHranaValue,
  encodeHranaValue,
  type HranaBatchResult,
  type HranaValue,
  parsePipelineRequest,
  parsePipelineResponse,
  stringifyPipelineRequest,
  stringifyPipelineResponse,
  WireError,
} from "@tributary/wire";
import { describe } from "vitest";
import { itSurvives } from "./support/fuzz.js";
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
      return stringifyPipelineResponse(response);
    },
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
