import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SyncServerOptions } from "@tributary/server";
import { endChild, keepTrack } from "./child-processes.js";
import { tursoBinary } from "./turso-binary.js";

/** Whose server it is. */
export type ServerKind = "tributary" | "turso";

export const SERVER_NAMES: Readonly<Record<ServerKind, string>> = {
  tributary: "Tributary's server",
  turso: "Turso's server",
};

/** A server in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  end(): Promise<void>;
}

/** Serves one database file, as each of them does without further options; ours with some, if given. */
export async function startServer(
  kind: ServerKind,
  file: string,
  options: Pick<SyncServerOptions, "walLimitBytes"> = {},
): Promise<ServerProcess> {
  return kind === "turso"
    ? startTurso(file)
    : startScript("tributary-server-child.js", [file, JSON.stringify(options)]);
}

/** A plain HTTP server that sends the file: the limit of what a download can be. */
export function startFileServer(file: string): Promise<ServerProcess> {
  return startScript("file-server-child.js", [file]);
}

/** A plain HTTP server that answers what an empty pull is answered, and does nothing: the limit of what requests can be. */
export function startBareServer(): Promise<ServerProcess> {
  return startScript("bare-server-child.js", []);
}

async function startScript(script: string, args: readonly string[]): Promise<ServerProcess> {
  const child = keepTrack(fork(fileURLToPath(new URL(script, import.meta.url)), args, { execArgv: [] }));
  const [port] = (await Promise.race([once(child, "message"), failure(child)])) as [number];
  return processAt(child, port);
}

async function startTurso(file: string): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn(tursoBinary(), [file, "--sync-server", `127.0.0.1:${port}`], { stdio: "ignore" });
  keepTrack(child);
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) break;
    if (await answers(`http://127.0.0.1:${port}`)) return processAt(child, port);
    await delay(25);
  }
  child.kill("SIGKILL");
  throw new Error("tursodb did not begin to listen within 10 s");
}

function processAt(child: ChildProcess, port: number): ServerProcess {
  return { url: `http://127.0.0.1:${port}`, pid: child.pid as number, end: () => endChild(child) };
}

async function failure(child: ChildProcess): Promise<never> {
  const [code] = await once(child, "exit");
  throw new Error(`the server ended with exit code ${String(code)}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function answers(url: string): Promise<boolean> {
  const body = JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "SELECT 1" } }] });
  try {
    const response = await fetch(`${url}/v2/pipeline`, { method: "POST", body });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // It does not listen yet.
    return false;
  }
}
