import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const FREE_BYTES = 1024 * 1024;
const BYTES_PER_INPUT_BYTE = 64;

/**
 * Bytes that this isolate holds, in the heap and in array buffers. A buffer counts from when it is made, touched or
 * not, until it is collected. Asked right before and right after a call, the difference is what the call took, less what
 * was collected in between: see {@link collectGarbage}.
 */
export function allocatedBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

let collect: (() => void) | undefined;

/** Leaves nothing that a collection during the next call could take away, and so hide what that call takes. Some ms. */
export function collectGarbage(): void {
  if (collect === undefined) {
    // The function is there only in contexts that are made after the flag was set.
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  // Buffers are let go of in the background; the second collection waits for the end of the first.
  collect();
  collect();
}

/** What a decoder may take for an input of so many bytes: what it makes of them, and some for the room to work in. */
export function memoryAllowance(inputBytes: number): number {
  return FREE_BYTES + BYTES_PER_INPUT_BYTE * inputBytes;
}

/** Bytes of an input; a text counts two for each unit. */
export function sizeOf(input: Uint8Array | string): number {
  return typeof input === "string" ? 2 * input.length : input.length;
}
