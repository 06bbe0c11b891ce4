import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { start } from "../../src/commands/serve.js";
import { createLogger } from "../../src/logging/create-logger.js";
import { resolveOptions } from "../../src/options/resolve-options.js";
import type { Reloadable } from "../../src/serve/reloadable.js";
import type { RunningServer } from "../../src/start-server.js";
import { tempDirectory } from "./temp-directory.js";

/** Tokens of {@link serve}, to be looked for where they must not be. */
export const TOKENS = {
  admin: "planted-token-admin",
  write: "planted-token-write",
  acme: "planted-token-acme-only",
} as const;

/** A server in this process, as the command starts it. */
export interface TestServer {
  readonly url: string;
  readonly server: RunningServer;
  readonly files: readonly Reloadable[];
  readonly tokenFile: string;
  /** A file with the token for administering. */
  readonly adminFile: string;
  readonly directory: string;
  /** Lines of the log so far. */
  readonly log: readonly Record<string, unknown>[];
}

/** Serves a data directory with tokens, until the test has finished. SQL runs in this process. */
export async function serve(flags: Readonly<Record<string, string | boolean>> = {}): Promise<TestServer> {
  const directory = tempDirectory();
  const tokenFile = join(directory, "tokens");
  const adminFile = join(directory, "admin-token");
  writeFileSync(tokenFile, `${TOKENS.admin} admin\n${TOKENS.write} write\n${TOKENS.acme} write acme\n`);
  writeFileSync(adminFile, `${TOKENS.admin}\n`);
  mkdirSync(join(directory, "data"));
  const options = resolveOptions({
    flags: {
      data: join(directory, "data"),
      listen: "127.0.0.1:0",
      authTokenFile: tokenFile,
      maxWorkers: "0",
      ...flags,
    },
    variables: {},
  });
  const log: Record<string, unknown>[] = [];
  const logger = createLogger(options.logLevel, "json", {
    write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>),
  });
  const { server, files } = await start(options, logger);
  onTestFinished(() => server.close());
  return { url: server.url, server, files, tokenFile, adminFile, directory, log };
}

/** Runs SQL on a database of it, and gives the status and the body. */
export async function runSql(
  { url }: Pick<TestServer, "url">,
  database: string,
  sql: string,
  token: string = TOKENS.write,
): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`${url}/${database}/v2/pipeline`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ requests: [{ type: "sequence", sql }, { type: "close" }] }),
  });
  return { status: response.status, body: await response.text() };
}
