import { type PageBatch, type PullHeader, type PullRequest, SyncError } from "@tributary/core";
import { createDeferred, type Deferred } from "./deferred.js";

/** SQLite has no more. */
const MAX_PAGES = 2 ** 32 - 2;

/** What {@link LivePull} needs. */
export interface LivePullOptions {
  readonly request: PullRequest;
  readonly endpoint: string;
  /** Bytes of pages that the server may send before it is granted more. */
  readonly creditBytes: number;
  /** Lets the server send so many more bytes of pages. */
  grant(bytes: number): void;
  /** Tells the server to stop. */
  cancel(): void;
}

/** One pull: what has come of it and was not taken yet, never more than the credit. */
export class LivePull {
  readonly request: PullRequest;
  readonly #options: LivePullOptions;
  readonly #pages: PageBatch[] = [];
  #header: PullHeader | undefined;
  /** The server has sent all. */
  #isEnded = false;
  #error: SyncError | undefined;
  #isCancelled = false;
  /** What the server may still send, bytes of pages. */
  #creditLeft: number;
  /** Taken from here, and not granted again yet, bytes of pages. */
  #taken = 0;
  #change: Deferred<void> = createDeferred();

  constructor(options: LivePullOptions) {
    this.request = options.request;
    this.#options = options;
    this.#creditLeft = options.creditBytes;
  }

  get header(): PullHeader | undefined {
    return this.#header;
  }

  get error(): SyncError | undefined {
    return this.#error;
  }

  /** All that the server had to send was taken. */
  get isComplete(): boolean {
    return this.#isEnded && this.#pages.length === 0 && this.#error === undefined;
  }

  /** Resolves when something has come since, or it has failed. */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  /** The next pages; `undefined`: none are here. Throws the error that it failed with. */
  take(): PageBatch | undefined {
    if (this.#error !== undefined) throw this.#error;
    const pages = this.#pages.shift();
    if (pages !== undefined) this.#grantAgain(pages.bytes.length);
    return pages;
  }

  /** Drops what is here and tells the server to stop, if that has not sent all. */
  cancel(): void {
    this.#pages.length = 0;
    if (this.#isCancelled || this.#isEnded || this.#error !== undefined) return;
    this.#isCancelled = true;
    this.#options.cancel();
  }

  /** The answer begins. Throws `SyncError` where it is none. */
  takeHeader(revision: string, databaseSize: number): void {
    if (this.#header !== undefined) throw this.#violation("sent two headers of one pull");
    if (databaseSize > MAX_PAGES) throw this.#violation(`has a database of ${databaseSize} pages`);
    this.#header = { revision, databaseSize, endpoint: this.#options.endpoint };
    this.#changed();
  }

  /** Pages have come. Throws `SyncError` where they cannot be of this pull. */
  takePages(pages: PageBatch): void {
    if (this.#header === undefined || this.#isEnded) throw this.#violation("sent pages outside of a pull");
    const { databaseSize } = this.#header;
    for (const pageId of pages.pageIds) {
      if (pageId >= databaseSize) {
        const what = `sent page ${pageId} of a database of ${databaseSize} pages`;
        throw this.#violation(what, "invalid-page-stream");
      }
    }
    this.#creditLeft -= pages.bytes.length;
    if (this.#creditLeft < 0) throw this.#violation("sent more pages than it was given credit for");
    if (pages.pageIds.length === 0 || this.#isCancelled) return;
    this.#pages.push(pages);
    this.#changed();
  }

  takeEnd(): void {
    if (this.#header === undefined || this.#isEnded) throw this.#violation("ended a pull that was not begun");
    this.#isEnded = true;
    this.#changed();
  }

  /** It will not go on, and has not come to its end. */
  fail(error: SyncError): void {
    this.#error = error;
    this.#pages.length = 0;
    this.#changed();
  }

  /** In pieces that are worth a message. */
  #grantAgain(bytes: number): void {
    this.#taken += bytes;
    if (this.#isEnded || this.#taken < this.#options.creditBytes / 4) return;
    this.#creditLeft += this.#taken;
    this.#options.grant(this.#taken);
    this.#taken = 0;
  }

  #changed(): void {
    const change = this.#change;
    this.#change = createDeferred();
    change.resolve();
  }

  #violation(
    what: string,
    code: "malformed-response" | "invalid-page-stream" = "malformed-response",
  ): SyncError {
    const { endpoint } = this.#options;
    return new SyncError(code, `${endpoint} ${what}.`, { endpoint });
  }
}
