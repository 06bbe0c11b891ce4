import { grownToHold } from "@tributary/core";
import type { BranchFrame } from "./branch.js";

const words = (length: number): Uint32Array<ArrayBuffer> => new Uint32Array(length);
const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length);

/** Which frame of a branch holds which page, as of any position behind its base. Knows no bytes. 13 bytes a frame. */
export class BranchIndex {
  readonly base: number;
  readonly #basePages: number;
  #end: number;
  // By position less `base`; the first place is the image's.
  #pages = words(64);
  #sizes = words(64);
  /** The frame before with the same page, or 0. */
  #previous = words(64);
  #isReplicas = bytes(64);
  readonly #newest = new Map<number, number>();
  /** Transactions that made the database shorter, in their order. */
  readonly #cuts: { readonly position: number; readonly size: number }[] = [];

  constructor(base: number, basePages: number) {
    this.base = base;
    this.#basePages = basePages;
    this.#end = base;
  }

  /** Position of the last frame. */
  get end(): number {
    return this.#end;
  }

  add({ pageNumber, databaseSize, origin }: BranchFrame): void {
    if (databaseSize !== 0 && databaseSize < this.sizeAt(this.#end))
      this.#cuts.push({ position: this.#end + 1, size: databaseSize });
    this.#end += 1;
    const place = this.#end - this.base;
    this.#pages = grownToHold(this.#pages, place, words);
    this.#sizes = grownToHold(this.#sizes, place, words);
    this.#previous = grownToHold(this.#previous, place, words);
    this.#isReplicas = grownToHold(this.#isReplicas, place, bytes);
    this.#pages[place] = pageNumber;
    this.#sizes[place] = databaseSize;
    this.#previous[place] = this.#newest.get(pageNumber) ?? 0;
    this.#isReplicas[place] = origin === "replica" ? 1 : 0;
    this.#newest.set(pageNumber, this.#end);
  }

  /** Forgets the frames behind a position. */
  cut(position: number): void {
    for (; this.#end > position; this.#end--) {
      const place = this.#end - this.base;
      const page = this.#pages[place] as number;
      const previous = this.#previous[place] as number;
      if (previous === 0) this.#newest.delete(page);
      else this.#newest.set(page, previous);
    }
    while ((this.#cuts.at(-1)?.position ?? 0) > position) this.#cuts.pop();
  }

  /** Throws `RangeError` where there is none. */
  frameAt(position: number): BranchFrame {
    const place = this.#placeOf(position);
    return {
      pageNumber: this.#pages[place] as number,
      databaseSize: this.#sizes[place] as number,
      origin: this.#isReplicas[place] === 1 ? "replica" : "server",
    };
  }

  /** The newest frame of a page up to a position, or 0: it is in the image. */
  positionOf(pageNumber: number, upTo: number): number {
    let position = this.#newest.get(pageNumber) ?? 0;
    while (position > upTo) position = this.#previous[position - this.base] as number;
    return position;
  }

  /** To how many pages the database was cut behind one position up to another; undefined: it was not. */
  smallestCut(after: number, upTo: number): number | undefined {
    let smallest: number | undefined;
    for (const { position, size } of this.#cuts) {
      if (position > after && position <= upTo && size < (smallest ?? Number.POSITIVE_INFINITY))
        smallest = size;
    }
    return smallest;
  }

  /** Pages of the database behind the last transaction that ends there or before. */
  sizeAt(position: number): number {
    for (let place = position - this.base; place > 0; place--) {
      const size = this.#sizes[place] as number;
      if (size !== 0) return size;
    }
    return this.#basePages;
  }

  /** Whether a transaction ends there; the image counts as one. */
  endsTransaction(position: number): boolean {
    return position === this.base || (this.#sizes[this.#placeOf(position)] as number) !== 0;
  }

  /** The pages that frames behind `after` up to `upTo` hold. */
  pagesBetween(after: number, upTo: number): Set<number> {
    const pages = new Set<number>();
    for (let position = after + 1; position <= upTo; position++)
      pages.add(this.#pages[this.#placeOf(position)] as number);
    return pages;
  }

  /** Whether one of the frames behind `after` up to `upTo` has that origin. */
  hasOrigin(origin: BranchFrame["origin"], after: number, upTo: number): boolean {
    const wanted = origin === "replica" ? 1 : 0;
    return this.#isReplicas.subarray(after + 1 - this.base, upTo + 1 - this.base).includes(wanted);
  }

  #placeOf(position: number): number {
    if (position <= this.base || position > this.#end)
      throw new RangeError(`There is no frame ${position}: they go from ${this.base + 1} to ${this.#end}.`);
    return position - this.base;
  }
}
