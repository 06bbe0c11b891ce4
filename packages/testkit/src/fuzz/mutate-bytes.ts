import type { SeededRandom } from "../random/seeded-random.js";

/** Bytes that decoders stumble over. */
const EDGE_BYTES = [0x00, 0xff, 0x7f, 0x80, 0x01, 0xfe];
/** Unsigned 64-bit integers around the ends of the widths that length fields have. */
const EDGE_INTEGERS = [
  0n,
  1n,
  2n ** 15n,
  2n ** 16n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n,
].flatMap((edge) => [edge - 1n, edge, edge + 1n].filter((value) => value >= 0n && value < 2n ** 64n));
/** Varints of these integers, the same with bytes that add nothing, and ones that never end. */
const EDGE_VARINTS: readonly Uint8Array[] = [
  ...EDGE_INTEGERS.map((value) => varint(value, 1)),
  ...[0n, 1n, 0x7fn, 2n ** 32n - 1n].map((value) => varint(value, 10)),
  new Uint8Array(10).fill(0xff),
  new Uint8Array(11).fill(0x80),
  new Uint8Array(24).fill(0xff),
];

type Mutation = (bytes: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]) => Uint8Array;

/** Each as often as it stands here. Those that keep the length write into the bytes that they are given. */
const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setInteger,
  setInteger,
  setVarint,
  addToByte,
  truncate,
  extend,
  duplicateSlice,
  swapSlices,
  removeSlice,
  splice,
];

/** Of a thousand inputs, how many are junk from the first byte. */
const JUNK_PER_MILLE = 20;
const MOST_MUTATIONS = 4;
const LONGEST_JUNK = 64;

/**
 * A message made from a corpus of good ones: one of them with one to four changes, now and then pure junk. The same
 * seed gives the same bytes. The result shares no memory with the corpus.
 */
export function mutateBytes(corpus: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  if (random.below(1000) < JUNK_PER_MILLE) return random.bytes(random.below(LONGEST_JUNK));
  // Not with slice(): that of a Buffer is no copy.
  let bytes = new Uint8Array(random.pick(corpus));
  // Most of the inputs differ in one place only: more than that seldom gets past the first check.
  let rounds = 1;
  while (rounds < MOST_MUTATIONS && random.chance(0.35)) rounds++;
  for (; rounds > 0; rounds--) bytes = random.pick(MUTATIONS)(bytes, random, corpus) as typeof bytes;
  return bytes;
}

function flipBit(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = placeIn(bytes, random);
  if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
}

function setByte(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = placeIn(bytes, random);
  if (at < bytes.length) bytes[at] = random.chance(0.7) ? random.pick(EDGE_BYTES) : random.below(256);
  return bytes;
}

/** Off by one, and a little more. */
function addToByte(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = placeIn(bytes, random);
  if (at < bytes.length) bytes[at] = (bytes[at] as number) + random.below(9) - 4;
  return bytes;
}

function setInteger(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const width = random.pick([2, 4, 4, 8]);
  if (bytes.length < width) return bytes;
  const at = Math.min(placeIn(bytes, random), bytes.length - width);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const value = random.pick(EDGE_INTEGERS);
  const isLittleEndian = random.chance(0.5);
  if (width === 8) view.setBigUint64(at, value, isLittleEndian);
  else if (width === 4) view.setUint32(at, Number(value & 0xffff_ffffn), isLittleEndian);
  else view.setUint16(at, Number(value & 0xffffn), isLittleEndian);
  return bytes;
}

/** Puts a varint in the place of the one that begins there, or before it. */
function setVarint(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = placeIn(bytes, random);
  let end = at;
  if (random.chance(0.7)) {
    while (end < bytes.length && (bytes[end] as number) >= 0x80) end++;
    end = Math.min(end + 1, bytes.length);
  }
  return joined(bytes.subarray(0, at), random.pick(EDGE_VARINTS), bytes.subarray(end));
}

function truncate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  return bytes.slice(0, random.below(bytes.length + 1));
}

function extend(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const tail = new Uint8Array(1 + random.below(32)).fill(random.pick(EDGE_BYTES));
  return joined(bytes, random.chance(0.5) ? tail : random.bytes(tail.length));
}

function duplicateSlice(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const slice = sliceOf(bytes, random);
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), slice, bytes.subarray(at));
}

function swapSlices(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const [first, second, third] = [0, 0, 0].map(() => random.below(bytes.length + 1)).sort((a, b) => a - b);
  return joined(
    bytes.subarray(0, first),
    bytes.subarray(second, third),
    bytes.subarray(first, second),
    bytes.subarray(third),
  );
}

function removeSlice(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const slice = sliceOf(bytes, random);
  const from = slice.byteOffset - bytes.byteOffset;
  return joined(bytes.subarray(0, from), bytes.subarray(from + slice.length));
}

/** The start of this message and the end of another one. */
function splice(bytes: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(corpus);
  return joined(
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  );
}

/** A place in the bytes; more often near the start, where most formats have their headers and lengths. */
function placeIn(bytes: Uint8Array, random: SeededRandom): number {
  return random.below(random.chance(0.3) ? Math.min(bytes.length, 32) : bytes.length);
}

function sliceOf(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const from = random.below(bytes.length + 1);
  const longest = bytes.length - from;
  return bytes.subarray(
    from,
    from + random.below((random.chance(0.7) ? Math.min(longest, 16) : longest) + 1),
  );
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function varint(value: bigint, leastBytes: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0n || bytes.length < leastBytes; rest >>= 7n)
    bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes[bytes.length - 1] = (bytes.at(-1) as number) & 0x7f;
  return Uint8Array.from(bytes);
}
