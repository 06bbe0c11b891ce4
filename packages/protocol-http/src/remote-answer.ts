import { SyncError, type SyncErrorCode } from "@tributary/core";
import { toAttemptFailure } from "./attempt-failure.js";
import type { TransportResponse } from "./http-transport.js";
import type { RequestGuard } from "./request-guard.js";

/** What {@link RemoteAnswer} is made of. */
export interface RemoteAnswerParts {
  readonly response: TransportResponse;
  readonly guard: RequestGuard;
  readonly endpoint: string;
  readonly secrets: readonly string[];
  readonly bodyTimeoutMs: number;
  readonly onBytes: (count: number) => void;
}

/** Enough for the start of a body that a message repeats, in bytes. */
const BODY_START_BYTES = 4096;

/** An answer whose body is read part by part, each within the time for it. */
export class RemoteAnswer {
  readonly endpoint: string;
  readonly isEndReliable: boolean;
  readonly #parts: RemoteAnswerParts;
  #atEnd = false;

  constructor(parts: RemoteAnswerParts) {
    this.#parts = parts;
    this.endpoint = parts.endpoint;
    this.isEndReliable = parts.response.isEndReliable;
  }

  get status(): number {
    return this.#parts.response.status;
  }

  /** The next part, `undefined` at the end. Rejects with `AttemptFailure`. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.#atEnd) return undefined;
    const { response, guard, bodyTimeoutMs } = this.#parts;
    try {
      if (guard.reason !== undefined) throw guard.reason;
      const coming = response.read();
      const part = coming instanceof Promise ? await guard.run(coming, bodyTimeoutMs) : coming;
      if (part === undefined) this.#finish();
      else this.#parts.onBytes(part.length);
      return part;
    } catch (error) {
      this.discard();
      throw toAttemptFailure(error, this.endpoint);
    }
  }

  /** The start of the body as text, for a message; empty if it cannot be read. Ends the answer. */
  async readStart(): Promise<string> {
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      while (length < BODY_START_BYTES) {
        const part = await this.read();
        if (part === undefined) break;
        parts.push(part);
        length += part.length;
      }
    } catch {
      // What is to be told is the problem with the answer, not that its body could not be read either.
    }
    this.discard();
    let text = new TextDecoder().decode(Buffer.concat(parts).subarray(0, BODY_START_BYTES));
    for (const secret of this.#parts.secrets) text = text.replaceAll(secret, "[secret]");
    return text;
  }

  /** Drops the rest. Never fails. */
  discard(): void {
    if (this.#atEnd) return;
    this.#finish();
    this.#parts.response.discard();
  }

  /** An error about this answer. */
  error(code: SyncErrorCode, message: string, cause?: unknown): SyncError {
    const options = { endpoint: this.endpoint, status: this.status };
    return new SyncError(
      code,
      `${this.endpoint} ${message}.`,
      cause === undefined ? options : { ...options, cause },
    );
  }

  #finish(): void {
    this.#atEnd = true;
    this.#parts.guard.dispose();
  }
}
