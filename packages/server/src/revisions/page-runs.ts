/** Neighbouring pages that changed last in the same commit. */
export interface PageRun {
  /** One-based. */
  readonly pageNumber: number;
  readonly count: number;
  readonly sequence: number;
}

/**
 * Writes runs, ascending, as varints: the gap to the run before, the count, and how many commits before `current` it was.
 * Two to eight bytes each.
 */
export class PageRunWriter {
  readonly #current: number;
  #bytes = new Uint8Array(64);
  #length = 0;
  #nextPage = 0;

  constructor(current: number) {
    this.#current = current;
  }

  /** What was written. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  add({ pageNumber, count, sequence }: PageRun): void {
    if (this.#length + 32 > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#write(pageNumber - this.#nextPage);
    this.#write(count);
    this.#write(this.#current - sequence);
    this.#nextPage = pageNumber + count;
  }

  /** Numbers up to 2^53, so no bit operations. */
  #write(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 128;
    this.#bytes[this.#length++] = rest;
  }
}

/** Reads what a `PageRunWriter` with the same `current` wrote. */
export function* readPageRuns(bytes: Uint8Array, current: number): Generator<PageRun> {
  let position = 0;
  const read = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      // Past the end, where only bytes lead that nobody wrote, it reads zeros.
      const byte = bytes[position++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  for (let nextPage = 0; position < bytes.length; ) {
    const pageNumber = nextPage + read();
    const count = read();
    const sequence = current - read();
    yield { pageNumber, count, sequence };
    nextPage = pageNumber + count;
  }
}
