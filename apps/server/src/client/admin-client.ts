import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { DatabaseStatus, ServerStatus } from "@tributary/server";
import { z } from "zod";
import { CommandError } from "./command-error.js";
import { type HttpCall, httpCall, textOf } from "./http-call.js";

const DATABASES = z.object({ databases: z.array(z.string()) });
const DATABASE_STATUS = z.object({
  name: z.string(),
  isOpen: z.boolean(),
  databaseBytes: z.number(),
  walBytes: z.number(),
  // What is not known is null.
  revision: z.string().nullish(),
  streams: z.number(),
  waiters: z.number(),
  waitingWriters: z.number(),
  maintenanceError: z.string().nullish(),
});
const SERVER_STATUS = z.object({
  databases: z.array(DATABASE_STATUS),
  workers: z.object({ running: z.number(), busy: z.number(), waiting: z.number() }),
  sockets: z.number(),
  requests: z.number(),
});
const VERIFICATION = z.object({ ok: z.boolean(), problems: z.array(z.string()) });
const REFUSAL = z.object({ error: z.string() });

/** The admin API of a server that runs. All methods reject with `CommandError`. */
export class AdminClient {
  readonly #base: URL;
  readonly #token: string | undefined;

  /** `url` is where the server is, without /admin. */
  constructor(url: URL, token: string | undefined) {
    this.#base = new URL(`${url.origin}${url.pathname.replace(/\/+$/, "")}`);
    this.#token = token;
  }

  async list(): Promise<readonly string[]> {
    return (await this.#json(DATABASES, "GET", "/admin/databases")).databases;
  }

  /** Of the databases that are open, and of the server as a whole. */
  async status(): Promise<ServerStatus> {
    const { databases, ...rest } = await this.#json(SERVER_STATUS, "GET", "/admin/status");
    return { ...rest, databases: databases.map(completeStatus) };
  }

  async create(name: string): Promise<void> {
    await textOf(await this.#call("PUT", pathOf(name)));
  }

  async fork(from: string, to: string): Promise<void> {
    await textOf(await this.#call("POST", `${pathOf(from)}/fork`, JSON.stringify({ to })));
  }

  async remove(name: string): Promise<void> {
    await textOf(await this.#call("DELETE", pathOf(name)));
  }

  async import(name: string, stream: Readable, length: number): Promise<void> {
    await textOf(await this.#call("PUT", pathOf(name), { stream, length }));
  }

  /** The database as an SQLite file. Fails while it is read if the connection breaks before it is whole. */
  export(name: string): Promise<IncomingMessage> {
    return this.#call("GET", `${pathOf(name)}/export`);
  }

  async verify(name: string): Promise<readonly string[]> {
    return (await this.#json(VERIFICATION, "POST", `${pathOf(name)}/verify`)).problems;
  }

  async #json<T>(schema: z.ZodType<T>, method: string, path: string): Promise<T> {
    const text = await textOf(await this.#call(method, path));
    try {
      return schema.parse(JSON.parse(text));
    } catch (error) {
      throw new CommandError(
        `${this.#base.origin} does not answer as a Tributary server: is --url right?`,
        error,
      );
    }
  }

  async #call(method: string, path: string, body?: HttpCall["body"]): Promise<IncomingMessage> {
    const url = new URL(this.#base.href.replace(/\/$/, "") + path);
    const call = { method, url, token: this.#token };
    const response = await httpCall(body === undefined ? call : { ...call, body });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw new CommandError(explain(status, await textOf(response), this.#base.origin, this.#token));
  }
}

function pathOf(name: string): string {
  return `/admin/databases/${encodeURIComponent(name)}`;
}

function completeStatus(status: z.infer<typeof DATABASE_STATUS>): DatabaseStatus {
  const { revision, maintenanceError } = status;
  return { ...status, revision: revision ?? undefined, maintenanceError: maintenanceError ?? undefined };
}

function explain(status: number, body: string, origin: string, token: string | undefined): string {
  const text = messageOf(body);
  const how = "a token with admin access in --token-file FILE or TRIBUTARY_TOKEN";
  if (status === 401) return `the server at ${origin} asks who you are (${text}): give ${how}`;
  if (status === 403) {
    return token === undefined
      ? `the server at ${origin} wants ${how}; one that was started without tokens lets nobody administer it`
      : `the server at ${origin} does not let the holder of this token do that (${text}): give ${how}`;
  }
  if (status === 503 || status === 429) return `the server at ${origin} is busy (${text}): try again`;
  if (status >= 500) return `the server at ${origin} failed: ${text}: see its logs`;
  return text;
}

function messageOf(body: string): string {
  try {
    return REFUSAL.parse(JSON.parse(body)).error;
  } catch {
    return body.trim().split("\n", 1)[0] || "no reason given";
  }
}
