import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { SqlRow } from "../values/sql-value.js";
import { STREAM_TABLES } from "./stream-schema.js";

/** Cursors `(from, to]` whose changes have one origin. */
export interface OriginSegment {
  /** `undefined`: they were made here. */
  readonly origin: string | undefined;
  /** The sender that they came from; `undefined`: they were made here. */
  readonly via: string | undefined;
  /** Where the origin has the last of them; 0: not known. */
  readonly originCursor: number;
  readonly from: number;
  readonly to: number;
}

const RANGES_PER_READ = 500;
const FIRST_SQL = `SELECT first, last, origin, origin_cursor, via FROM main.${STREAM_TABLES.origin} WHERE first >= coalesce((SELECT max(first) FROM main.${STREAM_TABLES.origin} WHERE first <= ?), 0) ORDER BY first LIMIT ${RANGES_PER_READ}`;
const NEXT_SQL = `SELECT first, last, origin, origin_cursor, via FROM main.${STREAM_TABLES.origin} WHERE first > ? ORDER BY first LIMIT ${RANGES_PER_READ}`;

/** Tells, in order, whose the cursors of a window are. */
export class OriginRanges {
  readonly #upTo: number;
  #at: number;
  #rows: readonly SqlRow[] | undefined;
  #next = 0;

  constructor(after: number, upTo: number) {
    this.#at = after;
    this.#upTo = upTo;
  }

  /** The next segment, never an empty one; `undefined` at the end of the window. */
  *next(): Coroutine<OriginSegment | undefined> {
    const from = this.#at;
    if (from >= this.#upTo) return undefined;
    for (;;) {
      const row = yield* this.#peek();
      const first = row === undefined ? this.#upTo + 1 : Number(row[0]);
      if (row === undefined || first > from + 1) {
        this.#at = Math.min(first - 1, this.#upTo);
        return { origin: undefined, via: undefined, originCursor: this.#at, from, to: this.#at };
      }
      this.#next++;
      const last = Number(row[1]);
      if (last <= from) continue;
      this.#at = Math.min(last, this.#upTo);
      const [, , origin, originCursor, via] = row;
      return {
        origin: String(origin),
        via: String(via),
        originCursor: Number(originCursor),
        from,
        to: this.#at,
      };
    }
  }

  *#peek(): Coroutine<SqlRow | undefined> {
    if (this.#rows === undefined) {
      this.#rows = yield* io.querySql("writer", FIRST_SQL, [BigInt(this.#at + 1)]);
    } else if (this.#next === this.#rows.length && this.#rows.length === RANGES_PER_READ) {
      const last = this.#rows.at(-1)?.[0] ?? 0n;
      this.#rows = yield* io.querySql("writer", NEXT_SQL, [last]);
      this.#next = 0;
    }
    return this.#rows[this.#next];
  }
}
