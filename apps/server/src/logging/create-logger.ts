import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import type { LogLevel } from "../options/value-kinds.js";
import { formatLine } from "./format-line.js";

/** Where log lines go: anything that is written whole lines. */
export interface LogSink {
  write(line: string): void;
}

/**
 * Structured logs, a line each. They are written at once: a line about the end of the process must not be lost with it.
 * What is passed is logged as it is; pass no tokens, no SQL and no values.
 */
export function createLogger(
  level: LogLevel,
  format: "json" | "text",
  sink: LogSink = destination({ fd: 2, sync: true }),
): Logger {
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime, formatters: { level: labelOf } };
  return pino(options, format === "json" ? sink : { write: (line) => sink.write(formatLine(line)) });
}

function labelOf(label: string): { level: string } {
  return { level: label };
}
