import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { UsageError } from "../options/usage-error.js";
import { AdminClient } from "./admin-client.js";

/** Which server a command speaks to, and as whom. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly tokenFile?: string;
}

const DEFAULT_URL = "http://127.0.0.1:8080";

/** Gives a command the options that say which server is meant. */
export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(new Option("--url <url>", `The server; TRIBUTARY_URL (default: ${DEFAULT_URL}).`))
    .addOption(
      new Option(
        "--token-file <file>",
        "A file with a token that has admin access; or TRIBUTARY_TOKEN has the token.",
      ),
    );
}

/** The server that is meant. Throws `UsageError`. */
export function connect(
  { url, tokenFile }: ConnectionOptions,
  variables: NodeJS.ProcessEnv = process.env,
): AdminClient {
  const address = url ?? (variables.TRIBUTARY_URL || DEFAULT_URL);
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    const where = url === undefined ? "TRIBUTARY_URL" : "--url";
    throw new UsageError([
      `${where} must be an address such as ${DEFAULT_URL}, not ${JSON.stringify(address)}`,
    ]);
  }
  const token = tokenFile === undefined ? variables.TRIBUTARY_TOKEN?.trim() : readToken(tokenFile);
  return new AdminClient(new URL(address), token === "" ? undefined : token);
}

function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError([`--token-file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`]);
  }
  // A line of the server's own token file will do: what comes after the token is for the server.
  const token = /^[ \t]*([\x21-\x7e]+)/m.exec(text.replace(/^[ \t]*#.*$/gm, ""))?.[1];
  if (token === undefined || token.startsWith("["))
    throw new UsageError([`--token-file ${path} must hold a token on a line of its own`]);
  return token;
}
