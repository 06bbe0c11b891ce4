import type { HranaBatch, HranaSocketRequest, HranaSqlSource } from "@tributary/wire";
import { SocketRefusal } from "./socket-refusal.js";
import { SocketViolation } from "./socket-violation.js";

const MAX_TEXTS = 150;
const MAX_TEXT_BYTES = 4 * 1024 * 1024;
/** Ids of texts that were refused are in use until the client closes them. */
const MAX_IDS = 1_000;

/** A text, or why there was no room for it. */
type StoredText = { readonly sql: string; readonly bytes: number } | SocketRefusal;

/** The SQL texts that a client keeps on its socket, by ids that it has chosen. */
export class StoredSql {
  readonly #maxExpandedBytes: number;
  readonly #texts = new Map<number, StoredText>();
  #count = 0;
  #bytes = 0;

  /** `maxExpandedBytes`: how long the texts that one request names may be together, each as often as it is named. */
  constructor(maxExpandedBytes: number) {
    this.#maxExpandedBytes = maxExpandedBytes;
  }

  /** Keeps a text. Throws `SocketRefusal` where there is no room, and `SocketViolation` where the id is in use. */
  store(id: number, sql: string): void {
    if (this.#texts.has(id)) throw new SocketViolation(`SQL text ${id} is already stored`);
    if (this.#texts.size >= MAX_IDS) throw new SocketViolation("too many ids of SQL texts");
    const bytes = Buffer.byteLength(sql);
    const refusal = this.#refusalOf(bytes);
    this.#texts.set(id, refusal ?? { sql, bytes });
    if (refusal !== undefined) throw refusal;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Forgets a text; one that is not there is fine. */
  close(id: number): void {
    const text = this.#texts.get(id);
    this.#texts.delete(id);
    if (text === undefined || text instanceof SocketRefusal) return;
    this.#count -= 1;
    this.#bytes -= text.bytes;
  }

  /**
   * The same request with texts in the place of ids: it means the same whatever becomes of the texts until it is its
   * turn. Throws `SocketViolation` where there is no such text, and `SocketRefusal`.
   */
  resolve<Request extends HranaSocketRequest>(request: Request): Request;
  resolve(request: HranaSocketRequest): HranaSocketRequest {
    let budget = this.#maxExpandedBytes;
    const textOf = (id: number): string => {
      const text = this.#texts.get(id);
      if (text === undefined) throw new SocketViolation(`SQL text ${id} is not stored`);
      if (text instanceof SocketRefusal) throw text;
      budget -= text.bytes;
      if (budget < 0) {
        throw new SocketRefusal(
          "the stored SQL texts that the request names are too long",
          "SQL_STORE_TOO_LARGE",
        );
      }
      return text.sql;
    };
    switch (request.type) {
      case "execute":
        return { ...request, stmt: withText(request.stmt, textOf) };
      case "batch":
      case "open_cursor":
        return { ...request, batch: withTexts(request.batch, textOf) };
      case "sequence":
      case "describe":
        return withText(request, textOf);
      default:
        return request;
    }
  }

  #refusalOf(bytes: number): SocketRefusal | undefined {
    if (this.#count >= MAX_TEXTS) {
      return new SocketRefusal(`a connection can store ${MAX_TEXTS} SQL texts`, "SQL_STORE_TOO_MANY");
    }
    if (this.#bytes + bytes <= MAX_TEXT_BYTES) return undefined;
    return new SocketRefusal(
      `the SQL texts of a connection can be ${MAX_TEXT_BYTES} bytes long together`,
      "SQL_STORE_TOO_LARGE",
    );
  }
}

function withTexts(batch: HranaBatch, textOf: (id: number) => string): HranaBatch {
  if (!batch.steps.some(({ stmt }) => stmt.sql_id != null)) return batch;
  return { ...batch, steps: batch.steps.map((step) => ({ ...step, stmt: withText(step.stmt, textOf) })) };
}

function withText<Source extends HranaSqlSource>(source: Source, textOf: (id: number) => string): Source {
  if (source.sql_id == null) return source;
  return { ...source, sql: textOf(source.sql_id), sql_id: null };
}
