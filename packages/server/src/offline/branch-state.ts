import { crc32 } from "node:zlib";
import type { BranchGeneration } from "./branch.js";
import type { Standing } from "./standing.js";

/** What is known of a branch beside its pages. */
export interface BranchState {
  readonly block: number;
  readonly device: string | undefined;
  /** ms since 1970. */
  readonly createdAt: number;
  readonly usedAt: number;
  readonly era: number;
  readonly confirmed: number;
  readonly head: number;
  /** How often `head` was moved back: frames up to it are what they were as long as this is the same. */
  readonly rewinds: number;
  /** Frames up to the start of the first one are in the image, or on their way there: what a crash interrupted is done again. */
  readonly generations: readonly BranchGeneration[];
  readonly standing: Standing;
}

/** A state as it was saved: the one with the higher number is the newer one. */
export interface NumberedState {
  readonly number: number;
  readonly state: BranchState;
}

const FORM = /^\{"version":1,"checksum":(\d{1,10}),"saved":(.*)\}\n$/s;

/**
 * One line of JSON: `{"version":1,"checksum":C,"saved":{"number":N,"state":{…}}}`. C: CRC-32 of the bytes of the value of
 * "saved" as they stand there.
 */
export function formatBranchState(saved: NumberedState): Uint8Array {
  const text = JSON.stringify(saved);
  return Buffer.from(`{"version":1,"checksum":${crc32(text)},"saved":${text}}\n`);
}

/** Undefined if the bytes are not what was written. */
export function parseBranchState(bytes: Uint8Array): NumberedState | undefined {
  const match = FORM.exec(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  if (match === null || Number(match[1]) !== crc32(match[2] as string)) return undefined;
  const { number, state } = JSON.parse(match[2] as string) as NumberedState;
  const { device, standing } = state;
  // What is undefined is not written.
  return { number, state: { ...state, device, standing: explicit(standing) } };
}

function explicit({ equalTo, compared, offered }: Standing): Standing {
  const before = offered && { equalTo: offered.before.equalTo, compared: offered.before.compared };
  return { equalTo, compared, offered: offered && before && { from: offered.from, before } };
}
