import { splitStatements } from "@tributary/core";
import type {
  HranaSqlSource,
  HranaStreamRequest,
  HranaStreamResponse,
  HranaStreamResult,
} from "@tributary/wire";
import { WireError } from "@tributary/wire";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import { ServerError } from "../server-error.js";
import type { ResponseBudget } from "../sql/response-budget.js";
import { refuseNul, SqlError, toSqlError } from "../sql/sql-error.js";
import { countHead } from "./count-head.js";
import { runBatch } from "./run-batch.js";
import { argumentsOf, type StatementRunner, toHranaResult } from "./statement-runner.js";
import type { TimeSlice } from "./time-slice.js";
import { toHranaError } from "./to-hrana-error.js";

const MAX_STORED_TEXTS = 150;
const MAX_STORED_LENGTH = 16 * 1024 * 1024;

/**
 * One Hrana stream: a connection with what the client keeps on it. Knows requests and results, nothing of batons, HTTP
 * or sockets. Requests must be handled one after the other.
 */
export class HranaStream {
  readonly #runner: StatementRunner;
  readonly #storedSql = new Map<number, string>();
  #closed = false;

  constructor(runner: StatementRunner) {
    this.#runner = runner;
  }

  /** Whether the client has ended it. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Handles one request. Failures of SQL are results; throws `HranaRequestError` where the whole pipeline fails, and
   * `ServerError` "closed".
   */
  async handle(
    request: HranaStreamRequest,
    budget: ResponseBudget,
    slice: TimeSlice,
  ): Promise<HranaStreamResult> {
    if (this.#closed) throw new HranaRequestError("the stream has been closed by an earlier request");
    try {
      return { type: "ok", response: await this.#respond(request, budget, slice) };
    } catch (error) {
      if (error instanceof HranaRequestError || error instanceof ServerError) throw error;
      if (error instanceof WireError) throw new HranaRequestError(error.message);
      const failure = toHranaError(toSqlError(error, false));
      countHead(budget, [], failure);
      return { type: "error", error: failure };
    }
  }

  async #respond(
    request: HranaStreamRequest,
    budget: ResponseBudget,
    slice: TimeSlice,
  ): Promise<HranaStreamResponse> {
    switch (request.type) {
      case "close":
        this.#closed = true;
        return { type: "close" };
      case "execute": {
        const { stmt } = request;
        const rows = stmt.want_rows === false ? undefined : budget;
        const result = toHranaResult(await this.#runner.run(this.sqlOf(stmt), argumentsOf(stmt), rows));
        countHead(budget, result.cols);
        return { type: "execute", result };
      }
      case "batch":
        return {
          type: "batch",
          result: await runBatch(this.#runner, request.batch, (stmt) => this.sqlOf(stmt), budget, slice),
        };
      case "sequence":
        await this.#runSequence(this.sqlOf(request), slice);
        return { type: "sequence" };
      case "describe": {
        const result = this.#describe(this.sqlOf(request));
        countHead(budget, [...result.cols, ...result.params.map(({ name }) => ({ name, decltype: null }))]);
        return { type: "describe", result };
      }
      case "store_sql":
        this.#store(request.sql_id, request.sql);
        return { type: "store_sql" };
      case "close_sql":
        this.#storedSql.delete(request.sql_id);
        return { type: "close_sql" };
      case "get_autocommit":
        return { type: "get_autocommit", is_autocommit: this.#runner.isAutocommit };
      default:
        return unknownRequest(request);
    }
  }

  async #runSequence(sql: string, slice: TimeSlice): Promise<void> {
    refuseNul(sql);
    for (const statement of splitStatements(sql)) {
      const turn = slice.giveWay();
      if (turn !== undefined) await turn;
      const given = this.#runner.run(statement, { positional: [], named: [] }, undefined);
      if (given instanceof Promise) await given;
    }
  }

  #describe(sql: string): DescribeResult {
    const { shape, columns, readonly } = this.#runner.connection.describe(sql);
    return {
      params: shape.parameterNames.slice(1).map((name) => ({ name })),
      cols: columns.map(({ name, declaredType }) => ({ name, decltype: declaredType })),
      is_explain: shape.isExplain,
      is_readonly: readonly,
    };
  }

  #store(id: number, sql: string): void {
    if (this.#storedSql.has(id)) throw new HranaRequestError(`SQL text ${id} is already stored`);
    if (this.#storedSql.size >= MAX_STORED_TEXTS) {
      throw new SqlError("SQL_STORE_TOO_MANY", `a stream can store ${MAX_STORED_TEXTS} SQL texts`);
    }
    let length = sql.length;
    for (const stored of this.#storedSql.values()) length += stored.length;
    if (length > MAX_STORED_LENGTH) {
      throw new SqlError(
        "SQL_STORE_TOO_LARGE",
        `a stream can store SQL texts of ${MAX_STORED_LENGTH} characters in all`,
      );
    }
    this.#storedSql.set(id, sql);
  }

  /** The text of a statement that was given, or stored before. Throws `HranaRequestError`. */
  sqlOf({ sql, sql_id }: HranaSqlSource): string {
    // The wire sees to it that exactly one of them is given.
    const text = sql ?? this.#storedSql.get(sql_id as number);
    if (text === undefined) throw new HranaRequestError(`SQL text ${sql_id} is not stored`);
    return text;
  }
}

type DescribeResult = Extract<HranaStreamResponse, { type: "describe" }>["result"];

function unknownRequest(request: never): never {
  throw new HranaRequestError(`unknown request ${JSON.stringify(request)}`);
}
