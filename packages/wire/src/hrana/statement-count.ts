import { WireError } from "../wire-error.js";

/** Options of all that reads requests. */
export interface HranaReadOptions {
  /** How many requests and steps of batches there may be, counted together: more are `too-many`. Default: any number. */
  readonly maxStatements?: number;
}

/** Counts what a request asks for while it is read. */
export class StatementCount {
  readonly #max: number;
  #count = 0;

  constructor({ maxStatements = Number.POSITIVE_INFINITY }: HranaReadOptions = {}) {
    this.#max = maxStatements;
  }

  /** Throws `WireError` `too-many`. */
  add(): void {
    if (++this.#count > this.#max)
      throw new WireError("too-many", `more than ${this.#max} requests and steps of batches`);
  }
}
