import { stringifyPipelineRequest } from "@tributary/wire";
import { pipelineResponseText } from "../../../packages/wire/test/hrana/support/pipeline-response-text.js";

const VALUES = [
  { type: "null" },
  { type: "integer", value: "-9223372036854775808" },
  { type: "float", value: 1.5 },
  { type: "text", value: "é\u{1f600}" },
  { type: "blob", base64: "AAEC" },
] as const;

/** Requests of every kind: as this project writes them, and as `@libsql/client` and `@tursodatabase/sync` do. */
export const HRANA_REQUESTS: readonly string[] = [
  stringifyPipelineRequest({
    baton: null,
    requests: [
      {
        type: "batch",
        batch: {
          steps: [
            { stmt: { sql: "BEGIN IMMEDIATE" } },
            {
              condition: { type: "ok", step: 0 },
              stmt: { sql: "INSERT INTO t VALUES (?, ?, ?, ?, ?)", args: VALUES, want_rows: false },
            },
            { condition: { type: "ok", step: 1 }, stmt: { sql: "COMMIT" } },
            {
              condition: { type: "not", cond: { type: "is_autocommit" } },
              stmt: { sql: "ROLLBACK" },
            },
            {
              condition: {
                type: "and",
                conds: [
                  { type: "error", step: 2 },
                  { type: "or", conds: [] },
                ],
              },
              stmt: { sql_id: 1, named_args: [{ name: ":a", value: VALUES[1] }] },
            },
          ],
        },
      },
      { type: "close" },
    ],
  }),
  stringifyPipelineRequest({
    baton: "c3RyZWFt",
    requests: [
      { type: "execute", stmt: { sql: "SELECT 1", want_rows: true } },
      { type: "store_sql", sql_id: 1, sql: "SELECT ?" },
      { type: "describe", sql_id: 1 },
      { type: "sequence", sql: "SELECT 1; SELECT 2" },
      { type: "close_sql", sql_id: 1 },
      { type: "get_autocommit" },
    ],
  }),
  // hrana-client 0.9, as @libsql/client sends it.
  '{"requests":[{"type":"execute","stmt":{"sql":"select count(*) from t where a = ?","args":[{"type":"float","value":1}],"want_rows":true}}]}',
  '{"baton":null,"requests":[{"type":"batch","batch":{"steps":[{"stmt":{"sql":"BEGIN DEFERRED"}},{"stmt":{"sql":"select 1","want_rows":true},"condition":{"type":"and","conds":[{"type":"ok","step":0},{"type":"not","cond":{"type":"is_autocommit"}}]}}]}},{"type":"close"}]}',
  // @tursodatabase/sync 0.4: every field there, null where it is not set.
  '{"baton":null,"requests":[{"type":"batch","batch":{"steps":[{"condition":null,"stmt":{"sql":"SELECT * FROM t","sql_id":null,"args":[],"named_args":[],"want_rows":true,"replication_index":null}}],"replication_index":null}}]}',
];

const RESULT = {
  cols: [
    { name: "a", decltype: "INTEGER" },
    { name: null, decltype: null },
  ],
  rows: [VALUES.slice(0, 2), VALUES.slice(3)],
  affected_row_count: 2,
  last_insert_rowid: "12",
};
const ERROR = {
  message: "UNIQUE constraint failed",
  code: "SQLITE_CONSTRAINT",
  extended_code: "SQLITE_CONSTRAINT_UNIQUE",
};

/** Answers of every kind: as this project's server writes them, and as tursodb and sqld do. */
export const HRANA_RESPONSES: readonly string[] = [
  pipelineResponseText({
    baton: "b",
    base_url: null,
    results: [
      {
        type: "ok",
        response: {
          type: "batch",
          result: { step_results: [RESULT, null, null], step_errors: [null, ERROR, null] },
        },
      },
      { type: "ok", response: { type: "close" } },
    ],
  }),
  pipelineResponseText({
    baton: null,
    base_url: "http://other",
    results: [
      { type: "ok", response: { type: "execute", result: RESULT } },
      {
        type: "ok",
        response: {
          type: "describe",
          result: {
            params: [{ name: ":a" }],
            cols: [{ name: "a", decltype: null }],
            is_explain: false,
            is_readonly: true,
          },
        },
      },
      { type: "ok", response: { type: "get_autocommit", is_autocommit: true } },
      { type: "error", error: ERROR },
    ],
  }),
  // tursodb 0.4.
  '{"baton":null,"base_url":null,"results":[{"type":"ok","response":{"type":"batch","result":{"step_results":[{"cols":[{"name":"1","decltype":null}],"rows":[[{"type":"integer","value":"1"}]],"affected_row_count":0,"last_insert_rowid":null,"replication_index":null,"rows_read":0,"rows_written":0,"query_duration_ms":0}],"step_errors":[null],"replication_index":null}}}]}',
  '{"results":[{"type":"error","error":{"message":"parse error"}}]}',
];
