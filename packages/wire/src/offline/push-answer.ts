import { WireError } from "../wire-error.js";

/** The answer to pushed frames. Source: the client of libSQL, `libsql/src/sync.rs` of 0.9.30. */
export interface PushAnswer {
  readonly status: "ok" | "conflict";
  readonly generation: number;
  /** The last frame that the server has, committed or of a transaction still under way. */
  readonly maxFrameNo: number;
  /** To be sent with the next batch of the same push. Safe in a path as it is. */
  readonly baton: string | undefined;
}

export function stringifyPushAnswer({ status, generation, maxFrameNo, baton }: PushAnswer): string {
  return JSON.stringify({
    status,
    generation,
    max_frame_no: maxFrameNo,
    ...(baton !== undefined && { baton }),
  });
}

/** Throws `WireError`. */
export function parsePushAnswer(text: string): PushAnswer {
  const fields = parseObject(text);
  const { status, baton } = fields;
  if (status !== "ok" && status !== "conflict")
    throw new WireError("malformed", "a push answer without a status");
  if (baton !== undefined && baton !== null && typeof baton !== "string")
    throw new WireError("malformed", "a baton that is no text");
  return {
    status,
    generation: wholeNumber(fields, "generation"),
    maxFrameNo: wholeNumber(fields, "max_frame_no"),
    baton: baton ?? undefined,
  };
}

/** The generation of an answer of `/info` (`current_generation`), or of one that ends a generation (`generation`). Throws `WireError`. */
export function parseGeneration(text: string, field: "current_generation" | "generation"): number {
  const generation = wholeNumber(parseObject(text), field);
  if (generation === 0) throw new WireError("malformed", "a generation 0");
  return generation;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WireError("malformed", "not JSON", { cause });
  }
  if (typeof value !== "object" || value === null) throw new WireError("malformed", "not a JSON object");
  return value as Readonly<Record<string, unknown>>;
}

function wholeNumber(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff)
    return value;
  throw new WireError("malformed", `no ${name} from 0 to 4294967295`);
}
