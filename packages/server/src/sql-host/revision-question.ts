import { HranaRequestError } from "../hrana/hrana-request-error.js";

/** Asks the main thread, which follows the log, for the newest revision. One question at a time. */
export class RevisionQuestion {
  readonly #ask: () => void;
  #waiting:
    | { readonly resolve: (revision: string | undefined) => void; readonly reject: (error: Error) => void }
    | undefined;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Undefined: it cannot be told. Rejects with `HranaRequestError` if the stream is closed meanwhile. */
  ask(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      // The answer may come before this returns, where the log is followed in this thread.
      this.#waiting = { resolve, reject };
      this.#ask();
    });
  }

  answer(revision: string | undefined): void {
    this.#waiting?.resolve(revision);
    this.#waiting = undefined;
  }

  /** Nobody will answer any more. */
  end(): void {
    this.#waiting?.reject(new HranaRequestError("the stream is closed", { code: "STREAM_CLOSED" }));
    this.#waiting = undefined;
  }
}
