import { PAGE_SIZE, type PageBatch, type PullHeader } from "@tributary/core";
import {
  DelimitedDecoder,
  decodePageMessage,
  decodePullUpdatesHeader,
  type PageMessage,
  WireError,
} from "@tributary/wire";
import { AttemptFailure, toAttemptFailure } from "./attempt-failure.js";
import type { RemoteAnswer } from "./remote-answer.js";

/** 1 MiB. */
const BATCH_PAGES = 256;
/** SQLite has no more. */
const MAX_PAGES = 2 ** 32 - 2;

/** The answer to a pull: its header, and its pages as they are asked for. What is not asked for stays with the remote. */
export class PullStream {
  readonly header: PullHeader;
  readonly #answer: RemoteAnswer;
  readonly #decoder: DelimitedDecoder;

  private constructor(answer: RemoteAnswer, decoder: DelimitedDecoder, header: PullHeader) {
    this.#answer = answer;
    this.#decoder = decoder;
    this.header = header;
  }

  /** Reads the header. Rejects with `AttemptFailure` or `SyncError`. */
  static async open(answer: RemoteAnswer, maxMessageBytes: number): Promise<PullStream> {
    const decoder = new DelimitedDecoder({ maxMessageBytes });
    try {
      if (!answer.isEndReliable) {
        throw answer.error(
          "malformed-response",
          "sent pages without telling where they end: a cut would go unnoticed",
        );
      }
      const message = await nextMessage(answer, decoder);
      if (message === undefined) throw answer.error("malformed-response", "sent nothing, not even a header");
      return new PullStream(answer, decoder, readHeader(answer, message));
    } catch (error) {
      answer.discard();
      if (error instanceof WireError) throw malformed(answer, error);
      throw error;
    }
  }

  /** The next pages; `undefined` when the remote has sent all. Rejects with `SyncError`. */
  async next(): Promise<PageBatch | undefined> {
    const pages: PageMessage[] = [];
    try {
      while (pages.length < BATCH_PAGES) {
        const message = await nextMessage(this.#answer, this.#decoder);
        if (message === undefined) break;
        pages.push(this.#readPage(message));
      }
    } catch (error) {
      this.end();
      if (error instanceof WireError) throw malformed(this.#answer, error);
      throw error instanceof AttemptFailure
        ? error.error
        : toAttemptFailure(error, this.#answer.endpoint).error;
    }
    return pages.length === 0 ? undefined : toBatch(pages);
  }

  /** Drops the rest. */
  end(): void {
    this.#answer.discard();
  }

  #readPage(message: Uint8Array): PageMessage {
    let page: PageMessage;
    try {
      page = decodePageMessage(message);
    } catch (error) {
      throw this.#answer.error("invalid-page-stream", `sent a page that is none: ${String(error)}`, error);
    }
    const { databaseSize } = this.header;
    // Ids are wider on the wire than in a batch, where one that is too large would turn into another page's.
    if (page.pageId >= databaseSize) {
      throw this.#answer.error(
        "invalid-page-stream",
        `sent page ${page.pageId} of a database of ${databaseSize} pages`,
      );
    }
    return page;
  }
}

async function nextMessage(answer: RemoteAnswer, decoder: DelimitedDecoder): Promise<Uint8Array | undefined> {
  for (;;) {
    const message = decoder.next();
    if (message !== undefined) return message;
    const part = await answer.read();
    if (part === undefined) {
      decoder.end();
      return undefined;
    }
    decoder.push(part);
  }
}

function readHeader(answer: RemoteAnswer, message: Uint8Array): PullHeader {
  const { serverRevision, databaseSize, encoding, protocol } = decodePullUpdatesHeader(message);
  if (encoding !== "raw")
    throw answer.error("unexpected-response", `sends pages as ${encoding}, not raw as asked for`);
  if (protocol === "mvcc-logical")
    throw answer.error("unexpected-response", "sends a logical log, not pages as asked for");
  if (databaseSize > MAX_PAGES)
    throw answer.error("malformed-response", `has a database of ${databaseSize} pages`);
  return { revision: serverRevision, databaseSize, endpoint: answer.endpoint };
}

function toBatch(pages: readonly PageMessage[]): PageBatch {
  const pageIds = new Uint32Array(pages.length);
  const bytes = new Uint8Array(pages.length * PAGE_SIZE);
  for (const [index, { pageId, page }] of pages.entries()) {
    pageIds[index] = pageId;
    bytes.set(page, index * PAGE_SIZE);
  }
  return { pageIds, bytes };
}

function malformed(answer: RemoteAnswer, error: WireError): Error {
  return answer.error("malformed-response", `sent what cannot be read: ${error.message}`, error);
}
