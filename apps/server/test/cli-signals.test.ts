import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { connectRaw, pipelineHead } from "./support/raw-request.js";
import { tempDirectory } from "./support/temp-directory.js";

const launcher = fileURLToPath(new URL("../bin/tributary-server.js", import.meta.url));
const FIRST = "planted-first-token";
const SECOND = "planted-second-token";

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly tokenFile: string;
  /** Waits for a line of the log with this message. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** All lines of the log so far. */
  readonly lines: readonly string[];
}

async function start(...args: string[]): Promise<Started> {
  const directory = tempDirectory();
  const tokenFile = join(directory, "tokens");
  writeFileSync(tokenFile, `${FIRST} write`);
  const child = spawn(
    process.execPath,
    [launcher, "--db", join(directory, "app.db"), "--listen", "127.0.0.1:0", "--max-workers", "1", ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, TRIBUTARY_AUTH_TOKEN_FILE: tokenFile },
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const log = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  log.on("line", (line) => lines.push(line));
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line")) as [
    string,
  ];
  const url = line.replace("tributary-server listening on ", "");
  return { child, url, tokenFile, lines, logged: (message) => find(log, lines, message) };
}

async function find(
  log: Interface,
  lines: readonly string[],
  message: string,
): Promise<Record<string, unknown>> {
  for (let index = 0; ; index++) {
    if (index === lines.length) await once(log, "line");
    const line = JSON.parse(lines[index] as string) as Record<string, unknown>;
    if (line.msg === message) return line;
  }
}

async function statusWith(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: '{"requests":[{"type":"execute","stmt":{"sql":"SELECT \'planted-value\'"}},{"type":"close"}]}',
  });
  await response.text();
  return response.status;
}

/** Begins a request that is never finished. */
async function stall(url: string): Promise<void> {
  const { socket } = await connectRaw(url);
  socket.write(`${pipelineHead("/v2/pipeline", 100, FIRST)}{`);
  // An answer to another one, which came later: this one has been taken in.
  expect(await statusWith(url, FIRST)).toBe(200);
}

test("tokens are read again on SIGHUP, a second signal ends the server at once with 3", async () => {
  const { child, url, tokenFile, lines, logged } = await start();
  expect([await statusWith(url, FIRST), await statusWith(url, SECOND)]).toEqual([200, 401]);
  writeFileSync(tokenFile, `${SECOND} nonsense`);
  child.kill("SIGHUP");
  const failed = await logged("cannot be read again: what was read before stays in force");
  expect(failed).toMatchObject({ level: "error", what: `tokens of ${tokenFile}` });
  expect(await statusWith(url, FIRST)).toBe(200);
  writeFileSync(tokenFile, `${FIRST} write\n${SECOND} write`);
  child.kill("SIGHUP");
  await logged("read again");
  expect(await statusWith(url, SECOND)).toBe(200);

  await stall(url);
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await logged("shutting down");
  child.kill("SIGINT");
  expect(await exited).toEqual([3, null]);
  expect(lines.join("\n")).not.toContain("planted");
});

test("a request that does not finish in time ends the server with 3", async () => {
  const { child, url, logged } = await start("--shutdown-timeout", "20ms");
  await stall(url);
  const exited = once(child, "exit");
  child.kill("SIGINT");
  expect(await exited).toEqual([3, null]);
  expect(await logged("ended before all requests had finished")).toMatchObject({ level: "warn" });
});

test("mistakes of flags, variables and the file come at once, with 2", async () => {
  const directory = tempDirectory();
  const config = join(directory, "server.json");
  writeFileSync(config, '{"maxBody": "big"}');
  const child = spawn(
    process.execPath,
    [launcher, "serve", "--data", directory, "--lock-timeout", "x", "--wat"],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, TRIBUTARY_CONFIG: config, TRIBUTARY_LISTEN: "0.0.0.0:1" },
    },
  );
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  expect(await once(child, "close")).toEqual([2, null]);
  expect(stderr.split("\n")).toEqual([
    "error: 4 mistakes in the options:",
    "  - --wat is no option",
    `  - "maxBody" in ${config} must be a size such as 64KiB, 256MiB or 16GiB, not "big"`,
    '  - --lock-timeout must be a time such as 500ms, 30s or 5m, 24d at most, not "x"',
    expect.stringMatching(/^ {2}- TRIBUTARY_LISTEN 0\.0\.0\.0:1 can be reached from other machines/),
    "",
  ]);
});
