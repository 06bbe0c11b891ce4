import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createSyncServer, toNodeListener } from "@tributary/server";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary-directory.js";

/** A sync server for one test, over one database file. */
export interface Remote {
  readonly url: string;
  /** The server's database file. */
  readonly file: string;
  /** Runs SQL on the server, through its own protocol, and gives the rows as arrays. */
  query(sql: string, params?: unknown[]): Promise<unknown[][]>;
  close(): Promise<void>;
}

/** Tributary's own server, in this process, SQL included: what is tested here is not how that is run. */
export async function startTributary(
  file: string = join(temporaryDirectory(), "server.db"),
): Promise<Remote> {
  const sync = createSyncServer({ path: file, maxWorkers: 0 });
  const server: Server = createServer({ keepAliveTimeout: 65_000 }, toNodeListener(sync));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await sync.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, file, query: (sql, params) => queryPipeline(url, sql, params), close };
}

/** Turso's own server: the binary of the npm package `turso`, in a process of its own. */
export async function startTurso(file: string = join(temporaryDirectory(), "server.db")): Promise<Remote> {
  const port = await freePort();
  const child = spawn(tursoBinary(), [file, "--sync-server", `127.0.0.1:${port}`], { stdio: "ignore" });
  const close = (): Promise<void> => endProcess(child);
  onTestFinished(close);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(url, child);
  return { url, file, query: (sql, params) => queryPipeline(url, sql, params), close };
}

/** Both servers, for tests that hold for each. */
export const REMOTES = [
  { name: "Tributary's server", start: startTributary },
  { name: "Turso's server", start: startTurso },
] as const;

function tursoBinary(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("turso/package.json"));
  const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-gnu" : ""}`;
  return join(dirname(require.resolve(`@tursodatabase/cli-${platform}/package.json`)), "tursodb");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A process of someone else's tells nobody when it listens, so it is asked until it answers. */
async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`The server ended with exit code ${child.exitCode}.`);
    try {
      await queryPipeline(url, "SELECT 1");
      return;
    } catch {
      await delay(25);
    }
  }
  throw new Error("The server did not begin to listen within 5 s.");
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

interface PipelineAnswer {
  results: [
    { type: string; error?: { message: string }; response?: { result: { rows: PipelineValue[][] } } },
  ];
}
interface PipelineValue {
  type: string;
  value?: string | number;
  base64?: string;
}

async function queryPipeline(url: string, sql: string, params: unknown[] = []): Promise<unknown[][]> {
  const args = params.map(toPipelineValue);
  const requests = [{ type: "execute", stmt: { sql, args, want_rows: true } }];
  const response = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ baton: null, requests }),
  });
  const answer = (await response.json()) as PipelineAnswer;
  const [result] = answer.results;
  if (result.type !== "ok" || result.response === undefined) throw new Error(result.error?.message);
  return result.response.result.rows.map((row) => row.map(fromPipelineValue));
}

function toPipelineValue(value: unknown): PipelineValue {
  if (value === null) return { type: "null" };
  if (typeof value === "bigint") return { type: "integer", value: String(value) };
  if (typeof value === "number") {
    return Number.isInteger(value) ? { type: "integer", value: String(value) } : { type: "float", value };
  }
  return { type: "text", value: String(value) };
}

function fromPipelineValue(value: PipelineValue): unknown {
  if (value.type === "integer") return BigInt(value.value as string);
  if (value.type === "blob") return Buffer.from(value.base64 as string, "base64");
  return value.value ?? null;
}
