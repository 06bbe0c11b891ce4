import type { Command } from "commander";
import { expect, test, vi } from "vitest";
import { buildProgram } from "../../src/commands/build-program.js";
import { explainFailure } from "../../src/commands/explain-failure.js";

const program = buildProgram();

/** What `--help` prints where the width of a terminal is not known. */
function helpOf(command: Command): string {
  let text = "";
  const writeOut = (part: string): void => {
    text += part;
  };
  command.exitOverride().configureOutput({ writeOut, getOutHelpWidth: () => 80 });
  expect(() => command.parse(["--help"], { from: "user" })).toThrow("(outputHelp)");
  return text;
}

test.each([program, ...program.commands].map((command) => [command.name(), command] as const))(
  "the help of %s fits in 80 columns",
  (_, command) => {
    const lines = helpOf(command).split("\n");
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  },
);

test.each([
  [["--version"], 0, "0.0.0\n"],
  [["serve", "--db"], 2, "error: option '--db <file>' argument missing\n"],
  [["create"], 2, "error: missing required argument 'name'\n"],
])("%j says all there is to say, and ends with %i", async (args, exitCode, expected) => {
  let text = "";
  const write = (part: string): void => {
    text += part;
  };
  const each = buildProgram();
  for (const command of [each, ...each.commands])
    command.configureOutput({ writeOut: write, writeErr: write });
  const error: unknown = await each.parseAsync(args, { from: "user" }).catch((reason: unknown) => reason);
  expect(explainFailure(error)).toEqual({ text: undefined, exitCode });
  expect(text).toBe(expected);
});

test("a word that is no command is told of as one", async () => {
  vi.stubEnv("TRIBUTARY_CONFIG", undefined);
  const failed = buildProgram().parseAsync(["bakcup", "--all", "x"], { from: "user" });
  await expect(failed).rejects.toThrow(
    'there is no command "bakcup"; did you mean backup? --help lists them',
  );
  vi.unstubAllEnvs();
});
