import { grownToHold } from "../values/grown-to-hold.js";

/** An array of 32-bit words that grows by doubling. */
export class GrowableWords {
  #words: Uint32Array = new Uint32Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The words so far, without a copy: stays right until the next `push`. */
  get words(): Uint32Array {
    return this.#words.subarray(0, this.#length);
  }

  at(index: number): number {
    if (index >= this.#length) throw new RangeError(`No word ${index} of ${this.#length}.`);
    return this.#words[index] as number;
  }

  push(word: number): void {
    if (this.#length === this.#words.length) {
      this.#words = grownToHold(this.#words, this.#length, (length) => new Uint32Array(length));
    }
    this.#words[this.#length++] = word;
  }
}
