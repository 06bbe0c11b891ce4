/** Pages of an answer, back to back. Nobody writes to them. */
export interface PageBatch {
  /** Zero-based. */
  readonly pageIds: Uint32Array;
  /** `pageIds.length` × 4096 bytes. */
  readonly bytes: Uint8Array;
}

/** What is kept in all, bytes of pages; the answer that was given longest ago goes first. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Cost of an answer beside its pages, bytes. */
const OVERHEAD_BYTES = 512;

/**
 * Small answers to pulls, for all who stand at the same revision when a commit wakes them: each is read once. An answer is
 * found by the two revisions that it leads from and to, which name states that never change; so it never gets old.
 */
export class PullCache {
  /** The one that was given longest ago comes first. */
  readonly #answers = new Map<string, readonly PageBatch[]>();
  #bytes = 0;

  /** The pages of an answer, made by `read` unless they are there. */
  get(from: string, to: string, read: () => readonly PageBatch[]): readonly PageBatch[] {
    const key = `${from} ${to}`;
    const found = this.#answers.get(key);
    const batches = found ?? read();
    this.#answers.delete(key);
    this.#answers.set(key, batches);
    if (found === undefined) this.#bytes += sizeOf(batches);
    for (const [oldest, dropped] of this.#answers) {
      if (this.#bytes <= MAX_BYTES) break;
      this.#answers.delete(oldest);
      this.#bytes -= sizeOf(dropped);
    }
    return batches;
  }
}

function sizeOf(batches: readonly PageBatch[]): number {
  let size = OVERHEAD_BYTES;
  for (const { bytes } of batches) size += bytes.length;
  return size;
}
