import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@libsql/client";
import { type ServerStatus, staticTokens } from "@tributary/server";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { WebSocket } from "ws";
import { type RunningServer, startServer } from "../../apps/server/src/index.js";

export const TOKENS = {
  ada: "token-of-ada-0123456789",
  bob: "token-of-bob-0123456789",
  reader: "token-of-the-reader-0123",
};
export type Token = (typeof TOKENS)[keyof typeof TOKENS];

interface Result {
  readonly type: "ok" | "error";
  readonly response?: { readonly result?: { readonly rows: readonly unknown[] } };
  readonly error?: { readonly code: string };
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly code: string | undefined;
  readonly baton: string | null;
  readonly results: readonly Result[];
}

export const post = (path: string, token: Token, length: number, body: string): string[] => [
  `POST ${path} HTTP/1.1`,
  "Host: localhost",
  `Authorization: Bearer ${token}`,
  "Content-Type: application/json",
  `Content-Length: ${length}`,
  "Connection: close",
  "",
  body,
];

const EMPTY = JSON.stringify({ requests: [{ type: "close" }] });

/** A server with small limits, and ways to go past them. */
export interface AbusedServer {
  urlOf(scheme: "http" | "ws"): string;
  status(): ServerStatus;
  run(
    database: string,
    statements: readonly string[],
    options?: { token?: Token; baton?: string | null; isKept?: boolean },
  ): Promise<Answer>;
  open(...text: readonly string[]): Promise<{ socket: Socket; ended: Promise<string> }>;
  hold(
    places: readonly { database: string; token: Token }[],
  ): Promise<{ finish(): Promise<readonly string[]> }>;
  openSocket(database?: string): Promise<WebSocket>;
  libsql(scheme: "http" | "ws", database: string, token?: Token): Client;
  /** To be called when the test is over. */
  atEnd(end: () => void): void;
}

/**
 * Serves for all tests of a file. After each test a client that behaves is served, and the server holds nothing of what was
 * done to it.
 */
export function abusedServer(): AbusedServer {
  let server: RunningServer;
  let directory: string;
  /** What a test has left open. */
  const ends: (() => void)[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "tributary-"));
    server = await startServer({
      data: join(directory, "data"),
      headerTimeoutMs: 300,
      maxHeaderBytes: 4_096,
      sync: {
        createOnUse: true,
        authorize: staticTokens([
          { token: TOKENS.ada, access: "write", client: "ada" },
          { token: TOKENS.bob, access: "write", client: "bob" },
          { token: TOKENS.reader, access: "read", client: "reader" },
        ]),
        maxBodyBytes: 8_192,
        bodyStallTimeoutMs: 1_500,
        maxStatements: 10,
        maxResponseBytes: 40_000,
        maxRowBytes: 10_000,
        maxRequestsPerDatabase: 4,
        maxRequestsPerClient: 3,
        maxSockets: 4,
        maxMessageBytes: 8_192,
        helloTimeoutMs: 500,
        maxWaiters: 1,
        maxOpenDatabases: 2,
        maxWorkers: 4,
        statementTimeoutMs: 1_000,
        transactionTimeoutMs: 100,
        streamIdleTimeoutMs: 2_000,
        downloadStallTimeoutMs: 300,
      },
    });
  });

  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const end of ends.splice(0)) end();
    await expect
      .poll(
        () => {
          const { requests, sockets, databases } = server.status();
          const held = databases.filter(
            (database) => database.streams + database.waiters + database.waitingWriters > 0,
          );
          return { requests, sockets, held };
        },
        { timeout: 5_000, interval: 10 },
      )
      .toEqual({ requests: 0, sockets: 0, held: [] });
    for (const scheme of ["http", "ws"]) {
      const client = createClient({ url: `${urlOf(scheme)}/polite/`, authToken: TOKENS.ada });
      expect((await client.execute("SELECT 1 AS one")).rows).toMatchObject([{ one: 1 }]);
      client.close();
    }
  });

  const urlOf = (scheme: string): string => server.url.replace("http", scheme);
  const atEnd = (end: () => void): void => void ends.push(end);

  /** One request of a pipeline, for each of the statements; the stream is closed unless it is to be kept. */
  async function run(
    database: string,
    statements: readonly string[],
    {
      token = TOKENS.ada,
      baton = null,
      isKept = false,
    }: { token?: Token; baton?: string | null; isKept?: boolean } = {},
  ): Promise<Answer> {
    const requests = statements.map((sql): object => ({ type: "execute", stmt: { sql } }));
    const response = await fetch(`${server.url}/${database}/v2/pipeline`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ baton, requests: isKept ? requests : [...requests, { type: "close" }] }),
    });
    const text = await response.text();
    const body = (text.startsWith("{") ? JSON.parse(text) : {}) as Partial<Answer>;
    const { code, baton: next = null, results = [] } = body;
    return {
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      code,
      baton: next,
      results,
    };
  }

  /** A connection on which the test decides which bytes go when; `ended` is what came until the server closed it. */
  async function open(...text: readonly string[]): Promise<{ socket: Socket; ended: Promise<string> }> {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    atEnd(() => void socket.destroy());
    socket.on("error", () => {});
    await once(socket, "connect");
    let heard = "";
    socket.on("data", (chunk) => {
      heard += String(chunk);
    });
    const ended = new Promise<string>((resolve) => socket.once("close", () => resolve(heard)));
    socket.write(text.join("\r\n"));
    return { socket, ended };
  }

  /** Requests that are being served for as long as the rest of their bodies does not come. */
  async function hold(
    places: readonly { database: string; token: Token }[],
  ): Promise<{ finish(): Promise<readonly string[]> }> {
    const before = server.status().requests;
    const held = await Promise.all(
      places.map(({ database, token }) =>
        open(...post(`/${database}/v2/pipeline`, token, EMPTY.length, EMPTY.slice(0, 5))),
      ),
    );
    await expect.poll(() => server.status().requests, { interval: 5 }).toBe(before + places.length);
    return {
      finish() {
        for (const { socket } of held) socket.write(EMPTY.slice(5));
        return Promise.all(held.map(async ({ ended }) => (await ended).split("\r\n")[0] ?? ""));
      },
    };
  }

  async function openSocket(database = "sockets"): Promise<WebSocket> {
    const socket = new WebSocket(`${urlOf("ws")}/${database}`, ["hrana3"]);
    atEnd(() => socket.terminate());
    await once(socket, "open");
    return socket;
  }

  function libsql(scheme: string, database: string, token: Token = TOKENS.ada): Client {
    const client = createClient({ url: `${urlOf(scheme)}/${database}/`, authToken: token });
    atEnd(() => client.close());
    return client;
  }

  return { urlOf, status: () => server.status(), run, open, hold, openSocket, libsql, atEnd };
}
