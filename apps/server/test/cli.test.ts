import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";

const launcher = fileURLToPath(new URL("../bin/tributary-server.js", import.meta.url));

function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tributary-cli-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [launcher, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: withoutOptions(process.env),
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Variables for the tests themselves would be mistakes of the program's options. */
function withoutOptions(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith("TRIBUTARY_")));
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(...args);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout, stderr };
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, "line")) as [string];
  return line;
}

describe("tributary-server", () => {
  beforeAll(() => {
    // The launcher runs what was built.
    if (!existsSync(new URL("../dist/cli.js", import.meta.url)))
      throw new Error("apps/server has not been built: run npm test, which builds first.");
  });

  test("prints its address and ends on SIGTERM, whoever is connected", async () => {
    const child = start("--db", join(tempDirectory(), "app.db"), "--listen", "127.0.0.1:0");
    const line = await firstLine(child);
    expect(line).toMatch(/^tributary-server listening on http:\/\/127\.0\.0\.1:[0-9]+$/);
    const url = line.split(" ").at(-1) as string;
    const first = await fetch(`${url}/pull-updates`, { method: "POST", body: "" });
    const bytes = new Uint8Array(await first.arrayBuffer());
    // The header comes first: its length, then field 1, the revision.
    const revision = bytes.subarray(3, 3 + (bytes[2] as number));
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const poll = request(`${url}/pull-updates`, { method: "POST", agent });
    poll.on("error", () => {});
    const answered = once(poll, "response");
    poll.end(Buffer.concat([Buffer.of(0x1a, revision.length), revision, Buffer.of(0x20, 0xff, 0xff, 0x03)]));
    await once(poll, "finish");
    // Answered after the poll has been taken in.
    await fetch(`${url}/v2`);
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    const [response] = (await answered) as [{ statusCode: number }];
    expect(response.statusCode).toBe(503);
  });

  test("tells what it cannot do in one line, and ends with 1", async () => {
    const { code, stdout, stderr } = await run(
      "--db",
      join(tempDirectory(), "no", "app.db"),
      "--listen",
      "127.0.0.1:0",
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^tributary-server: there is no directory .*: create it first\n$/);
  });

  test("has a help", async () => {
    const { code, stdout, stderr } = await run("--help");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("--listen <host:port>");
  });
});
