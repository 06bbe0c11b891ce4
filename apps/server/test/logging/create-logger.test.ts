import { expect, test } from "vitest";
import { createLogger } from "../../src/logging/create-logger.js";
import { describeError } from "../../src/logging/describe-error.js";

function logged(format: "json" | "text", write: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  write(createLogger("info", format, { write: (line) => void lines.push(line) }));
  return lines;
}

test("text has a line for people", () => {
  const lines = logged("text", (logger) => {
    logger.debug("not this");
    logger.info({ method: "GET", status: 200, client: "a b=c", database: undefined }, "request");
  });
  expect(lines).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} info request method=GET status=200 client="a b=c"\n$/),
  ]);
});

test("text has an error with its causes below the line", () => {
  const error = new Error("outer", { cause: Object.assign(new Error("inner"), { code: "ENOSPC" }) });
  const [line = ""] = logged("text", (logger) => logger.error({ error: describeError(error) }, "failed"));
  expect(line).toMatch(/^\S+ error failed\nError: outer\n/);
  expect(line).toContain("\ncaused by: Error: inner\n");
});

test("what a client is called cannot steer the terminal, nor make a line", () => {
  const client = "\x1b[2J\u009b31m\x7f\nfake";
  const [line = ""] = logged("text", (logger) => logger.info({ client }, "request"));
  expect(line).toMatch(/^[ -~]+\n$/);
  const [json = ""] = logged("json", (logger) => logger.info({ client }, "request"));
  expect(json.split("\n").length).toBe(2);
  expect(JSON.parse(json)).toMatchObject({ level: "info", msg: "request", client });
});
