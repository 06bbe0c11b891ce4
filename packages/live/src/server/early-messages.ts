import { weightOf } from "../channel-inbox.js";
import { LiveViolation } from "./live-violation.js";

/** Longest message of somebody who is not known yet, bytes. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** What may come of such a one in all: a hello, and what is asked for without waiting for its answer. */
const MAX_MESSAGES = 64;
const MAX_BYTES = 256 * 1024;

/** What comes from somebody before it is known who it is: little, and kept until it is. */
export class EarlyMessages {
  #count = 0;
  #bytes = 0;
  #kept: Uint8Array[] = [];

  /** Throws `LiveViolation` where it is too much. */
  count(message: Uint8Array): void {
    this.#count += 1;
    this.#bytes += weightOf(message);
    if (message.length > MAX_MESSAGE_BYTES || this.#count > MAX_MESSAGES || this.#bytes > MAX_BYTES)
      throw new LiveViolation("too much came before it was known who it is from", "too-much-data", 413);
  }

  keep(message: Uint8Array): void {
    this.#kept.push(message);
  }

  /** What was kept, in its order. */
  take(): Uint8Array[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }

  clear(): void {
    this.#kept = [];
  }
}
