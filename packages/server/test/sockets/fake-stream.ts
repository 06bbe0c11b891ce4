import {
  encodeCursorEntry,
  encodeStreamResult,
  type HranaCursorEntry,
  type HranaFormat,
  type HranaStreamRequest,
  type HranaStreamResult,
} from "@tributary/wire";
import type {
  CursorWork,
  SqlCursor,
  SqlStream,
  StreamAnswer,
  StreamEnd,
  StreamWork,
} from "../../src/hrana/sql-stream.js";

/**
 * A stream that answers each request with its own text. SQL that begins with `wait` is answered when the test calls
 * `finish`, SQL that begins with `fail` with an error; `breakWith` makes a call reject.
 */
export class FakeStream implements SqlStream {
  isAutocommit = true;
  onEnd: ((reason: StreamEnd) => void) | undefined;
  isClosed = false;
  /** What was begun, in its order. */
  readonly log: string[] = [];
  breakWith: unknown;
  /** How many rows a cursor gives. */
  rowCount = 3;
  readonly #waiting: (() => void)[] = [];

  /** Lets the oldest `wait` end. */
  finish(): void {
    this.#waiting.shift()?.();
  }

  async run(work: StreamWork, format: HranaFormat): Promise<StreamAnswer> {
    if (!("requests" in work)) throw new Error("sockets parse what they get");
    const results = [];
    for (const request of work.requests) {
      results.push(encodeStreamResult(request.type, await this.#answer(request), format));
    }
    return { results, isClosed: false };
  }

  async openCursor(work: CursorWork, format: HranaFormat): Promise<SqlCursor> {
    if (!("batch" in work)) throw new Error("sockets parse what they get");
    this.#begin(`cursor ${work.batch.steps.map(({ stmt }) => stmt.sql).join("; ")}`);
    if (this.breakWith !== undefined) throw this.breakWith;
    const entries: HranaCursorEntry[] = Array.from({ length: this.rowCount }, (_, index) => ({
      type: "row",
      row: [{ type: "integer", value: String(index) }],
    }));
    return {
      fetch: async (maxCount, maxBytes) => {
        this.#begin(`fetch ${maxCount} ${maxBytes}`);
        if (this.breakWith !== undefined) throw this.breakWith;
        const fetched = entries.splice(0, maxCount);
        return {
          entries: fetched.map((entry) => encodeCursorEntry(entry, format)),
          done: entries.length === 0,
        };
      },
      close: () => this.#begin("close cursor"),
    };
  }

  close(): void {
    this.isClosed = true;
  }

  #begin(what: string): void {
    if (this.isClosed && what !== "close cursor") throw new Error("used after it was closed");
    this.log.push(what);
  }

  async #answer(request: HranaStreamRequest): Promise<HranaStreamResult> {
    const sql = sqlOf(request);
    this.#begin(sql);
    if (sql.startsWith("wait")) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.breakWith !== undefined) throw this.breakWith;
    if (sql.startsWith("fail")) return { type: "error", error: { message: sql, code: "SQLITE_ERROR" } };
    switch (request.type) {
      case "execute":
        return { type: "ok", response: { type: "execute", result: textResult(sql) } };
      case "batch":
        return {
          type: "ok",
          response: { type: "batch", result: { step_results: [textResult(sql)], step_errors: [null] } },
        };
      case "describe":
        return {
          type: "ok",
          response: {
            type: "describe",
            result: {
              params: [],
              cols: [{ name: sql, decltype: null }],
              is_explain: false,
              is_readonly: true,
            },
          },
        };
      case "get_autocommit":
        return { type: "ok", response: { type: "get_autocommit", is_autocommit: true } };
      case "sequence":
        return { type: "ok", response: { type: "sequence" } };
      default:
        throw new Error(`no request of a socket: ${request.type}`);
    }
  }
}

function sqlOf(request: HranaStreamRequest): string {
  switch (request.type) {
    case "execute":
      return String(request.stmt.sql);
    case "batch":
      return request.batch.steps.map(({ stmt }) => stmt.sql).join("; ");
    case "sequence":
    case "describe":
      return String(request.sql);
    default:
      return request.type;
  }
}

function textResult(sql: string) {
  return {
    cols: [{ name: "sql", decltype: null }],
    rows: [[{ type: "text", value: sql } as const]],
    affected_row_count: 0,
    last_insert_rowid: null,
  };
}
