import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.js";

/** The keys and values of a configuration file. Throws `UsageError`, which repeats nothing of its content. */
export function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError([`the configuration file ${path} cannot be read: ${codeOf(error)}`]);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new UsageError([`the configuration file ${path} is not JSON${placeOf(error, text)}`]);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new UsageError([
      `the configuration file ${path} must hold an object: {"listen": "127.0.0.1:8080", …}`,
    ]);
  }
  return content as Readonly<Record<string, unknown>>;
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? error);
}

/** Where the parser stopped. The rest of its message quotes the file, which may hold tokens. */
function placeOf(error: unknown, text: string): string {
  const position = / at position ([0-9]+)/.exec((error as Error).message)?.[1];
  return position === undefined ? "" : `: see line ${text.slice(0, Number(position)).split("\n").length}`;
}
