import { readFileSync } from "node:fs";
import {
  decodeLiveBatch,
  decodeLiveResults,
  encodeLiveBatch,
  encodeLiveResults,
  type LiveStep,
  type LiveStepResult,
  readLiveSteps,
  stringifyPipelineRequest,
  WireError,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectValueOrWireError, junkLike } from "../junk.js";
import { steps, values } from "./support.js";

const LIMITS = { maxStatements: 1_000 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The blocks of docs/LIVE_PROTOCOL.md, without spaces. */
const examples = [
  ...readFileSync(new URL("../../../../docs/LIVE_PROTOCOL.md", import.meta.url), "utf8").matchAll(
    /^```\n([0-9a-f\s]+)```$/gm,
  ),
].map(([, block = ""]) => block.replaceAll(/\s/g, ""));

const step = (sql: string, ...params: LiveStep["params"]): LiveStep => ({
  sql,
  params,
  condition: "previous-ok",
  wantRows: false,
});

describe("live batches", () => {
  it("survive the way there and back", () => {
    fc.assert(
      fc.property(steps, (batch) => {
        const { body, end } = encodeLiveBatch(batch);
        expect(end).toBe(batch.length);
        expect(decodeLiveBatch(body, LIMITS)).toEqual(batch);
      }),
    );
  });

  it("are split into bodies that are short enough, and none is left out", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 600 }), (batch, maxBytes) => {
        const decoded: LiveStep[] = [];
        for (let start = 0; start < batch.length; ) {
          const { body, end } = encodeLiveBatch(batch, start, maxBytes);
          expect(end).toBeGreaterThan(start);
          if (end > start + 1) expect(body.length).toBeLessThanOrEqual(maxBytes);
          decoded.push(...decodeLiveBatch(body, LIMITS));
          start = end;
        }
        expect(decoded).toEqual(batch);
      }),
    );
  });

  it("are as the document has them", () => {
    const batch: LiveStep[] = [
      { sql: "BEGIN", params: [], condition: "always", wantRows: false },
      step("INSERT INTO t VALUES (?, ?)", 1n, "a"),
      step("INSERT INTO t VALUES (?, ?)", -1n, 1.5),
      step("INSERT INTO t VALUES (?, ?)", null, Uint8Array.of(7)),
      { sql: "SELECT 1", params: [], condition: "in-transaction", wantRows: true },
    ];
    const texts = [
      "05424547494e",
      `1b${hex(Buffer.from("INSERT INTO t VALUES (?, ?)"))}`,
      "0853454c4543542031",
    ];
    const runs = ["00000001", "01010203", "02060001"];
    const data = ["41", "8161", "0101", "02000000000000f83f", "00", "c107"];
    const expected = `03${texts.join("")}03${runs.join("")}${data.join("")}`;
    expect(hex(encodeLiveBatch(batch).body)).toBe(expected);
    expect(examples).toContain(expected);
  });

  it("take about as many bytes for a row as its values do", () => {
    const rows = Array.from({ length: 1_000 }, (_, index) =>
      step("INSERT INTO notes(id, title, rank) VALUES (?, ?, ?)", BigInt(index), `note ${index}`, index % 7),
    );
    const { body } = encodeLiveBatch(rows);
    // An integer of three bytes, a text of nine and a real of nine; the text of the statement is there once.
    expect(body.length / rows.length).toBeLessThan(22);
    const args = rows.map(({ params: [id, title, rank] }) => [
      { type: "integer" as const, value: String(id) },
      { type: "text" as const, value: title as string },
      { type: "float" as const, value: rank as number },
    ]);
    const json = stringifyPipelineRequest({
      baton: null,
      requests: [
        {
          type: "batch",
          batch: {
            steps: rows.map(({ sql }, index) => ({
              condition: { type: "ok", step: Math.max(0, index - 1) },
              stmt: { sql, args: args[index] ?? [], want_rows: false },
            })),
          },
        },
      ],
    });
    expect(json.length / body.length).toBeGreaterThan(9);
  });

  it("with too many steps are refused before they are made", () => {
    const { body } = encodeLiveBatch(Array.from({ length: 11 }, () => step("COMMIT")));
    expect(() => decodeLiveBatch(body, { maxStatements: 10 })).toThrow(
      expect.objectContaining({ code: "too-many" }),
    );
    // One text, one run of 2^40 steps without values.
    const endless = new Uint8Array(Buffer.from("0100010000008080808080" + "20", "hex"));
    expect(() => decodeLiveBatch(endless, LIMITS)).toThrow(expect.objectContaining({ code: "too-many" }));
  });

  it("that are read step by step are refused before the first one, but for a text that is not UTF-8", () => {
    const { body } = encodeLiveBatch([step("SELECT ?", 1n), step("SELECT ?", "text")]);
    const malformed = [body.subarray(0, -1), Uint8Array.of(...body, 0), body.with(body.length - 5, 9)];
    for (const bytes of malformed)
      expect(() => readLiveSteps(bytes, LIMITS, (step) => step)).toThrow(WireError);
    const steps = readLiveSteps(body.with(body.length - 1, 0xff), LIMITS, (step) => step);
    expect(steps.next().value).toEqual(step("SELECT ?", 1n));
    expect(() => steps.next()).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it("of junk are values or WireErrors", () => {
    const good = encodeLiveBatch([step("SELECT ?", 1n), step("SELECT ?", "text"), step("COMMIT")]).body;
    fc.assert(
      fc.property(junkLike(good), (bytes) => expectValueOrWireError(() => decodeLiveBatch(bytes, LIMITS))),
    );
  });
});

describe("results of live batches", () => {
  const row = fc
    .integer({ min: 1, max: 3 })
    .chain((width) => fc.array(fc.array(values, { minLength: width, maxLength: width }), { maxLength: 3 }));
  const results: fc.Arbitrary<LiveStepResult[]> = fc.array(
    fc.oneof(
      fc.constant({ type: "ok" as const, rows: [] }),
      fc.constant({ type: "skipped" as const }),
      fc.record({ type: fc.constant("ok" as const), rows: row }),
      fc.record({
        type: fc.constant("error" as const),
        message: fc.string(),
        sqlCode: fc.option(fc.string(), { nil: undefined }),
      }),
    ),
  );

  it("survive the way there and back", () => {
    fc.assert(
      fc.property(results, (given) => {
        expect(decodeLiveResults(encodeLiveResults(given), given.length)).toEqual(given);
      }),
    );
  });

  it("are as the document has them", () => {
    const body = encodeLiveResults([
      { type: "ok", rows: [] },
      { type: "ok", rows: [] },
      { type: "ok", rows: [[1n, "a"]] },
      { type: "error", message: "no", sqlCode: "SQLITE_BUSY" },
      { type: "skipped" },
    ]);
    expect(examples).toContain(hex(body));
  });

  it("of many steps that went well take three bytes", () => {
    const fine: LiveStepResult[] = Array.from({ length: 10_000 }, () => ({ type: "ok", rows: [] }));
    expect(hex(encodeLiveResults(fine))).toBe("00904e");
  });

  it("for more or fewer steps are refused", () => {
    const body = encodeLiveResults([{ type: "skipped" }, { type: "skipped" }]);
    expect(() => decodeLiveResults(body, 1)).toThrow("more results than steps");
    expect(() => decodeLiveResults(body, 3)).toThrow("2 results for 3 steps");
    const rows = encodeLiveResults([{ type: "ok", rows: [[1n]] }]);
    expect(() => decodeLiveResults(rows, 0)).toThrow("more results than steps");
  });

  it("of junk are values or WireErrors", () => {
    const good = encodeLiveResults([
      { type: "ok", rows: [[1n, "a"]] },
      { type: "error", message: "no", sqlCode: "SQLITE_BUSY" },
    ]);
    fc.assert(
      fc.property(junkLike(good), (bytes) => expectValueOrWireError(() => decodeLiveResults(bytes, 2))),
    );
  });
});
