import type { Coroutine } from "../../../src/coroutine/coroutine.js";
import type { PageImages } from "../../../src/ports/replica-pages.js";
import { PAGE_SIZE } from "../../../src/values/page.js";

/** Images that are in memory: `bytes` holds those of `pageNumbers` (one-based), back to back. */
export function memoryPages(pageNumbers: Uint32Array, bytes: Uint8Array): PageImages {
  return {
    pageNumbers,
    // biome-ignore lint/correctness/useYield: answers without asking the host.
    *read(from: number, to: number): Coroutine<Uint8Array> {
      return bytes.subarray(from * PAGE_SIZE, to * PAGE_SIZE);
    },
  };
}
