// The structures of Hrana as their JSON has them, names included, so that the specification is their documentation
// (https://github.com/tursodatabase/libsql/tree/main/docs). Version 2, with what version 3 adds to the same structures.
// Fields that may be absent may be null too: clients do either.

/** A value of SQLite. An integer is a decimal string of 64 bits, signed; a blob is base64, with or without padding. */
export type HranaValue =
  | { readonly type: "null" }
  | { readonly type: "integer"; readonly value: string }
  /** Not finite in answers only: JSON has no word for it, it travels as null and arrives as NaN. */
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "blob"; readonly base64: string };

/** An argument by name, with or without its prefix (`:`, `@`, `$`). */
export interface HranaNamedArg {
  readonly name: string;
  readonly value: HranaValue;
}

/** The text of a statement, or the id of one that the stream has stored: exactly one of them is set. */
export interface HranaSqlSource {
  readonly sql?: string | null;
  readonly sql_id?: number | null;
}

export interface HranaStmt extends HranaSqlSource {
  readonly args?: readonly HranaValue[] | null;
  readonly named_args?: readonly HranaNamedArg[] | null;
  /** Absent: true. */
  readonly want_rows?: boolean | null;
}

/** When a step of a batch is run. Steps count from 0. */
export type HranaCondition =
  | { readonly type: "ok" | "error"; readonly step: number }
  | { readonly type: "not"; readonly cond: HranaCondition }
  | { readonly type: "and" | "or"; readonly conds: readonly HranaCondition[] }
  | { readonly type: "is_autocommit" };

export interface HranaBatchStep {
  readonly condition?: HranaCondition | null;
  readonly stmt: HranaStmt;
}

export interface HranaBatch {
  readonly steps: readonly HranaBatchStep[];
}

export type HranaStreamRequest =
  | { readonly type: "close" }
  | { readonly type: "execute"; readonly stmt: HranaStmt }
  | { readonly type: "batch"; readonly batch: HranaBatch }
  | ({ readonly type: "sequence" } & HranaSqlSource)
  | ({ readonly type: "describe" } & HranaSqlSource)
  | { readonly type: "store_sql"; readonly sql_id: number; readonly sql: string }
  | { readonly type: "close_sql"; readonly sql_id: number }
  | { readonly type: "get_autocommit" };

/** The body of `POST /v2/pipeline`. */
export interface HranaPipelineRequest {
  /** Continues a stream; null opens one. */
  readonly baton: string | null;
  readonly requests: readonly HranaStreamRequest[];
}

export interface HranaCol {
  readonly name: string | null;
  readonly decltype: string | null;
}

export interface HranaStmtResult {
  readonly cols: readonly HranaCol[];
  readonly rows: readonly (readonly HranaValue[])[];
  readonly affected_row_count: number;
  /** Decimal. */
  readonly last_insert_rowid: string | null;
}

/** One entry for each step in both lists; a step that was skipped is null in both. */
export interface HranaBatchResult {
  readonly step_results: readonly (HranaStmtResult | null)[];
  readonly step_errors: readonly (HranaError | null)[];
}

export interface HranaDescribeResult {
  readonly params: readonly { readonly name: string | null }[];
  readonly cols: readonly { readonly name: string; readonly decltype: string | null }[];
  readonly is_explain: boolean;
  readonly is_readonly: boolean;
}

export interface HranaError {
  readonly message: string;
  /** Always sent: the Rust client does without the whole error otherwise. Some servers send none. */
  readonly code: string | null;
  /** As `SQLITE_CONSTRAINT_UNIQUE` where `code` is `SQLITE_CONSTRAINT`. Not in the specification; Turso sends it. */
  readonly extended_code?: string;
}

export type HranaStreamResponse =
  | { readonly type: "close" | "sequence" | "store_sql" | "close_sql" }
  | { readonly type: "execute"; readonly result: HranaStmtResult }
  | { readonly type: "batch"; readonly result: HranaBatchResult }
  | { readonly type: "describe"; readonly result: HranaDescribeResult }
  | { readonly type: "get_autocommit"; readonly is_autocommit: boolean };

export type HranaStreamResult =
  | { readonly type: "ok"; readonly response: HranaStreamResponse }
  | { readonly type: "error"; readonly error: HranaError };

/** The body of `POST /v3/cursor`. */
export interface HranaCursorRequest {
  /** Continues a stream; null opens one. */
  readonly baton: string | null;
  readonly batch: HranaBatch;
}

/** What a cursor gives of its batch, in order. A step that was skipped gives nothing. */
export type HranaCursorEntry =
  | { readonly type: "step_begin"; readonly step: number; readonly cols: readonly HranaCol[] }
  | { readonly type: "row"; readonly row: readonly HranaValue[] }
  /** `last_insert_rowid` is decimal. */
  | {
      readonly type: "step_end";
      readonly affected_row_count: number;
      readonly last_insert_rowid: string | null;
    }
  | { readonly type: "step_error"; readonly step: number; readonly error: HranaError }
  /** The last one: the rest of the batch was not run. */
  | { readonly type: "error"; readonly error: HranaError };

/** How a message is written: JSON text, or protocol buffers. */
export type HranaFormat = "json" | "protobuf";

/** A request on one stream of a socket. */
export type HranaStreamMessage = Exclude<
  HranaStreamRequest,
  { type: "close" | "store_sql" | "close_sql" }
> & {
  readonly stream_id: number;
};

/** A request on a socket. Ids are chosen by the client. */
export type HranaSocketRequest =
  | { readonly type: "open_stream" | "close_stream"; readonly stream_id: number }
  | HranaStreamMessage
  | { readonly type: "store_sql"; readonly sql_id: number; readonly sql: string }
  | { readonly type: "close_sql"; readonly sql_id: number }
  | {
      readonly type: "open_cursor";
      readonly stream_id: number;
      readonly cursor_id: number;
      readonly batch: HranaBatch;
    }
  | { readonly type: "fetch_cursor"; readonly cursor_id: number; readonly max_count: number }
  | { readonly type: "close_cursor"; readonly cursor_id: number };

/** What a client sends on a socket. */
export type HranaClientMessage =
  | { readonly type: "hello"; readonly jwt: string | null }
  | { readonly type: "request"; readonly request_id: number; readonly request: HranaSocketRequest };

/** The answer to a {@link HranaPipelineRequest}: one result for each request. */
export interface HranaPipelineResponse {
  /** Continues the stream; null: it is closed. */
  readonly baton: string | null;
  /** Where to send what comes next; null: where this was sent. */
  readonly base_url: string | null;
  readonly results: readonly HranaStreamResult[];
}
