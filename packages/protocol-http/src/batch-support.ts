import { ACCEPTS_BATCH } from "@tributary/wire";

/** The remote takes no batches of the live protocol, or is not known to, and has done nothing. */
export class BatchRefused extends Error {
  /** The base URL that has refused it; `undefined`: it was not sent. */
  readonly by: string | undefined;

  constructor(by?: string) {
    super();
    this.by = by;
  }
}

/**
 * Whether a remote takes batches of the live protocol. Its answers say so. It may refuse one all the same: it has become
 * an older one, or something on the way lets only paths through that it knows. The second would refuse the next one too,
 * while the answers go on saying it; so after a refusal they are believed again only when one of them has not said it.
 */
export class BatchSupport {
  #base: string | undefined;
  #state: "unknown" | "told" | "refused" = "unknown";

  /** Whether the remote that was spoken to last takes them. */
  get isTold(): boolean {
    return this.#state === "told";
  }

  /** The next request goes to that base URL. */
  noteBase(base: string): void {
    if (this.#base === base) return;
    this.#base = base;
    this.#state = "unknown";
  }

  /** An answer from that base URL has come, with this header if any. */
  noteAnswer(base: string, accepts: string | undefined): void {
    if (this.#base !== base) return;
    const isSaid = accepts?.split(",").some((name) => name.trim() === ACCEPTS_BATCH) ?? false;
    if (this.#state === "unknown" && isSaid) this.#state = "told";
    else if (this.#state === "refused" && !isSaid) this.#state = "unknown";
  }

  /** A batch was refused by that base URL for what it is, and nothing else was wrong. */
  noteRefusal(base: string | undefined): void {
    if (this.#base === base) this.#state = "refused";
  }
}
