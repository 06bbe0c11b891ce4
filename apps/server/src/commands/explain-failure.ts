import { CommanderError } from "commander";
import { EXIT_CODES } from "../exit-codes.js";
import { UsageError } from "../options/usage-error.js";

/** What to tell of a failure, and the code to end with. */
export interface Failure {
  /** Undefined where all was said. */
  readonly text: string | undefined;
  readonly exitCode: number;
}

/** Turns what a command rejected with into something for people. */
export function explainFailure(error: unknown): Failure {
  if (error instanceof CommanderError) {
    // commander has written what there is to say, help and version included.
    return { text: undefined, exitCode: error.exitCode === 0 ? EXIT_CODES.clean : EXIT_CODES.usage };
  }
  if (error instanceof UsageError || isInvalidOption(error))
    return { text: `error: ${error.message}`, exitCode: EXIT_CODES.usage };
  return { text: `tributary-server: ${explain(error)}`, exitCode: EXIT_CODES.failed };
}

/** A `ServerError`; its class is not loaded for commands that need no server. */
function isInvalidOption(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "invalid-option";
}

interface ListenError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, address, port, hostname } = error as ListenError;
  if (!["listen", "bind", "getaddrinfo"].includes(syscall ?? "")) return error.message;
  const where = hostname ?? `${address}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return `another program listens on ${where}: end it, or give another --listen`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${where} is not an address of this machine: give another --listen`;
    case "EACCES":
      return `${where} may not be listened on: give a port of 1024 or more`;
    default:
      return error.message;
  }
}
