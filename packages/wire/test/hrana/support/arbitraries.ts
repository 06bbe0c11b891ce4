import type {
  HranaBatch,
  HranaBatchStep,
  HranaCondition,
  HranaCursorEntry,
  HranaError,
  HranaSocketRequest,
  HranaStmt,
  HranaStmtResult,
  HranaStreamRequest,
  HranaStreamResponse,
  HranaStreamResult,
  HranaValue,
} from "@tributary/wire";
import { encodeHranaValue } from "@tributary/wire";
import fc from "fast-check";

const text = fc.string({ unit: "grapheme" });
const nullableText = fc.option(text);
const id = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const rowid = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const count = fc.nat({ max: 2 ** 31 - 1 });

/** Without floats that are not finite, which JSON does not have, and the negative zero, which its usual writers lose. */
const values: fc.Arbitrary<HranaValue> = fc.oneof(
  fc.constant<HranaValue>({ type: "null" }),
  fc.oneof(rowid, fc.integer().map(String)).map((value): HranaValue => ({ type: "integer", value })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value): HranaValue => ({ type: "float", value: value === 0 ? 0 : value })),
  text.map((value): HranaValue => ({ type: "text", value })),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => encodeHranaValue(bytes)),
);

const source = fc.oneof(
  text.map((sql) => ({ sql })),
  id.map((sql_id) => ({ sql_id })),
);

const stmts: fc.Arbitrary<HranaStmt> = fc
  .tuple(
    source,
    fc.record(
      {
        args: fc.array(values, { minLength: 1, maxLength: 4 }),
        named_args: fc.array(fc.record({ name: text, value: values }), { minLength: 1, maxLength: 3 }),
        want_rows: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([sql, rest]) => ({ ...sql, ...rest }));

/** Conditions of a step; the first one has none that names another. */
function conditions(ownStep: number): fc.Arbitrary<HranaCondition> {
  const leaf: fc.Arbitrary<HranaCondition> =
    ownStep === 0
      ? fc.constant<HranaCondition>({ type: "is_autocommit" })
      : fc.record({ type: fc.constantFrom("ok", "error"), step: fc.nat({ max: ownStep - 1 }) });
  return fc.letrec<{ condition: HranaCondition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4 },
      leaf,
      tie("condition").map((cond): HranaCondition => ({ type: "not", cond })),
      fc.record({
        type: fc.constantFrom("and", "or"),
        conds: fc.array(tie("condition"), { maxLength: 3 }),
      }),
    ),
  })).condition;
}

export const batches: fc.Arbitrary<HranaBatch> = fc
  .nat({ max: 4 })
  .chain((length) =>
    fc.tuple(
      ...Array.from(
        { length },
        (_, index): fc.Arbitrary<HranaBatchStep> =>
          fc.record({ condition: conditions(index), stmt: stmts }, { requiredKeys: ["stmt"] }),
      ),
    ),
  )
  .map((steps) => ({ steps }));

export const streamRequests: fc.Arbitrary<HranaStreamRequest> = fc.oneof(
  fc.record({ type: fc.constantFrom("close", "get_autocommit") }),
  stmts.map((stmt): HranaStreamRequest => ({ type: "execute", stmt })),
  batches.map((batch): HranaStreamRequest => ({ type: "batch", batch })),
  fc
    .tuple(fc.constantFrom("sequence", "describe"), source)
    .map(([type, sql]): HranaStreamRequest => ({ type, ...sql })),
  fc.record({ type: fc.constant("store_sql"), sql_id: id, sql: text }),
  fc.record({ type: fc.constant("close_sql"), sql_id: id }),
);

export const socketRequests: fc.Arbitrary<HranaSocketRequest> = fc.oneof(
  fc.tuple(streamRequests, id).map(([request, stream_id]): HranaSocketRequest => {
    if (request.type === "close") return { type: "close_stream", stream_id };
    if (request.type === "store_sql" || request.type === "close_sql") return request;
    return { ...request, stream_id };
  }),
  fc.record({ type: fc.constant("open_stream"), stream_id: id }),
  fc.record({ type: fc.constant("open_cursor"), stream_id: id, cursor_id: id, batch: batches }),
  fc.record({
    type: fc.constant("fetch_cursor"),
    cursor_id: id,
    max_count: fc.nat({ max: 2 ** 32 - 1 }),
  }),
  fc.record({ type: fc.constant("close_cursor"), cursor_id: id }),
);

const cols = fc.array(fc.record({ name: nullableText, decltype: nullableText }), { maxLength: 3 });
export const errors: fc.Arbitrary<HranaError> = fc.record({ message: text, code: nullableText });

const stmtResults: fc.Arbitrary<HranaStmtResult> = fc.record({
  cols,
  rows: fc.array(fc.array(values, { maxLength: 4 }), { maxLength: 4 }),
  affected_row_count: count,
  last_insert_rowid: fc.option(rowid),
});

const steps = fc.array(
  fc.oneof(
    fc.constant({ result: null, error: null }),
    stmtResults.map((result) => ({ result, error: null })),
    errors.map((error) => ({ result: null, error })),
  ),
  { maxLength: 4 },
);

const streamResponses: fc.Arbitrary<HranaStreamResponse> = fc.oneof(
  fc.record({ type: fc.constantFrom("close", "sequence", "store_sql", "close_sql") }),
  stmtResults.map((result): HranaStreamResponse => ({ type: "execute", result })),
  steps.map(
    (list): HranaStreamResponse => ({
      type: "batch",
      result: {
        step_results: list.map(({ result }) => result),
        step_errors: list.map(({ error }) => error),
      },
    }),
  ),
  fc
    .record({
      params: fc.array(fc.record({ name: nullableText }), { maxLength: 3 }),
      cols: fc.array(fc.record({ name: text, decltype: nullableText }), { maxLength: 3 }),
      is_explain: fc.boolean(),
      is_readonly: fc.boolean(),
    })
    .map((result): HranaStreamResponse => ({ type: "describe", result })),
  fc.record({ type: fc.constant("get_autocommit"), is_autocommit: fc.boolean() }),
);

/** With the type of the request that each answers. */
export const streamResults: fc.Arbitrary<{
  readonly type: HranaStreamRequest["type"];
  readonly result: HranaStreamResult;
}> = fc.tuple(streamResponses, fc.option(errors)).map(([response, error]) => ({
  type: response.type,
  result: error === null ? { type: "ok", response } : { type: "error", error },
}));

export const cursorEntries: fc.Arbitrary<HranaCursorEntry> = fc.oneof(
  fc.record({ type: fc.constant("step_begin"), step: count, cols }),
  fc.array(values, { maxLength: 4 }).map((row): HranaCursorEntry => ({ type: "row", row })),
  fc.record({
    type: fc.constant("step_end"),
    affected_row_count: count,
    last_insert_rowid: fc.option(rowid),
  }),
  fc.record({ type: fc.constant("step_error"), step: count, error: errors }),
  errors.map((error): HranaCursorEntry => ({ type: "error", error })),
);
