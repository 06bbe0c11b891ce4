import { deepEqual, equal, ok } from "node:assert/strict";
import { createRandom } from "../../random/seeded-random.js";

/** A message that can be told from others of its length: its bytes follow from `seed`. */
export function messageOf(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** Messages of random lengths below `limit`, the same for the same seed. */
export function randomMessages(seed: number, count: number, limit: number): readonly Uint8Array[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => messageOf(seed + index, random.below(limit)));
}

/** Fails unless these messages came, whole and in this order. */
export function sameMessages(came: readonly Uint8Array[], sent: readonly Uint8Array[]): void {
  deepEqual(
    came.map((message) => message.length),
    sent.map((message) => message.length),
    "as many messages, of the same lengths, in the order in which they were sent",
  );
  came.forEach((message, index) => {
    ok(message instanceof Uint8Array, "a message is a Uint8Array");
    equal(
      Buffer.compare(message, sent[index] as Uint8Array),
      0,
      `message ${index} has the bytes that were sent`,
    );
  });
}
