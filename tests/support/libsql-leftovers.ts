import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary-directory.js";

const FRAME_SIZE = 24 + 4096;

/** A step of the program that uses libSQL's client. */
export type LibsqlStep = { readonly sql: string } | { readonly sync: true } | { readonly kill: true };

/** As much of a server for libSQL's offline replicas as it takes to make one: one generation, one client. */
export interface LibsqlServer {
  readonly url: string;
  /** Frames that were pushed, or are to be pulled. */
  readonly frames: Buffer[];
  /** Answers every push with a conflict. */
  isInConflict: boolean;
}

/** Serves a database file as it is now. */
export async function startLibsqlServer(file: string): Promise<LibsqlServer> {
  const base = imageOf(file);
  const frames: Buffer[] = [];
  const server = createServer((request, response) => void answer(request, response));
  const remote = { url: "", frames, isInConflict: false };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, kind, , start = "0"] = (request.url ?? "").split("/");
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (kind === "info") return json(200, { current_generation: 1 });
    if (kind === "export") return void response.end(base);
    if (request.method === "GET") {
      const wanted = frames.slice(Number(start) - 1);
      if (wanted.length === 0) return json(400, { generation: 1 });
      return void response.end(Buffer.concat(wanted));
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (!remote.isInConflict) {
      for (let at = 0; at < body.length; at += FRAME_SIZE) frames.push(body.subarray(at, at + FRAME_SIZE));
    }
    const status = remote.isInConflict ? "conflict" : "ok";
    json(200, { status, generation: 1, max_frame_no: frames.length });
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  remote.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return remote;
}

/** Runs the real client's program; resolves with what it printed. */
export async function runLibsql(path: string, url: string, steps: readonly LibsqlStep[]): Promise<string> {
  const script = fileURLToPath(new URL("libsql-child.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ path, url, steps })]);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once("close", (...how) => resolve(how)),
  );
  if (code !== 0 && signal !== "SIGKILL") throw new Error(`libSQL's client failed: ${output}${errors}`);
  return output;
}

/** A database file whole, whatever its log still holds. */
function imageOf(file: string): Buffer {
  const copy = join(temporaryDirectory(), "image.db");
  const db = new Database(file);
  db.prepare("VACUUM INTO ?").run(copy);
  db.close();
  return readFileSync(copy);
}
