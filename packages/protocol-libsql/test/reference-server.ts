import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";

const PAGE = 4096;
const FRAME = PAGE + 24;
const VERSIONS = 18;

/** What a request brought. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers in the server's place; false: the server is to answer. */
export type Interceptor = (request: SeenRequest, response: ServerResponse) => boolean;

interface Generation {
  readonly base: Buffer;
  readonly frames: Buffer[];
}

/**
 * A server of libSQL's offline protocol in strict mode, as simple as can be: one list of frames for each generation, images
 * in memory, one session of a push at a time.
 */
export class ReferenceServer {
  url = "";
  readonly requests: SeenRequest[] = [];
  intercept: Interceptor = () => false;
  /** How many frames one answer has at most. */
  framesPerAnswer = 128;
  #generations = new Map<number, Generation>();
  #staged: Buffer[] = [];
  #baton = 0;

  constructor(firstGeneration = 1) {
    this.#generations.set(firstGeneration, { base: Buffer.alloc(0), frames: [] });
  }

  get generation(): number {
    return Math.max(...this.#generations.keys());
  }

  /** Committed frames of the newest generation. */
  get frames(): Buffer[] {
    return this.#newest.frames;
  }

  /** Requests since the last call, as `METHOD path`. */
  takeRequests(): string[] {
    return this.requests.splice(0).map(({ method, path }) => `${method} ${path}`);
  }

  /** Runs SQL as another replica would, and keeps the pages that it changed as one transaction. */
  query(sql: string): unknown[][] {
    const before = this.image();
    const db = openImage(before);
    try {
      const rows = runSql(db, sql);
      const after = Buffer.from(db.serialize());
      if (after.length > 0) after.fill(2, VERSIONS, VERSIONS + 2);
      this.#append(before, after);
      return rows;
    } finally {
      db.close();
    }
  }

  /** The database as it is now. */
  image(): Buffer {
    return imageOf(this.#newest);
  }

  /** Begins a new generation. */
  roll(): void {
    this.#generations.set(this.generation + 1, { base: this.image(), frames: [] });
  }

  /** As a server restored from a backup: the newest frames are gone. */
  forget(count: number): void {
    this.frames.splice(this.frames.length - count);
  }

  /** As a server restored from a backup: of that generation the first frames are there, and none is newer. */
  restore(generation: number, frames: number): void {
    for (const key of this.#generations.keys()) if (key > generation) this.#generations.delete(key);
    this.frames.length = frames;
  }

  /** As one that knows nothing of the generations before. */
  replace(firstGeneration: number): void {
    const base = this.image();
    this.#generations = new Map([[firstGeneration, { base, frames: [] }]]);
  }

  get #newest(): Generation {
    return this.#generations.get(this.generation) as Generation;
  }

  #append(before: Buffer, after: Buffer): void {
    const changed: Buffer[] = [];
    for (let at = 0; at < after.length; at += PAGE) {
      const page = after.subarray(at, at + PAGE);
      if (page.equals(before.subarray(at, at + PAGE))) continue;
      const frame = Buffer.alloc(FRAME, 0xee);
      frame.writeUInt32BE(at / PAGE + 1, 0);
      frame.writeUInt32BE(0, 4);
      page.copy(frame, 24);
      changed.push(frame);
    }
    changed.at(-1)?.writeUInt32BE(after.length / PAGE, 4);
    this.frames.push(...changed);
  }

  handle(request: SeenRequest, response: ServerResponse): void {
    this.requests.push(request);
    if (!this.intercept(request, response)) this.#answer(request, response);
  }

  /** Takes a push whose answer nobody gets. */
  handleSilently({ path, body }: SeenRequest): void {
    const [, , generation, start, , baton] = path.split("/");
    this.#push(Number(generation), Number(start), cut(body), baton);
  }

  #answer(request: SeenRequest, response: ServerResponse): void {
    const [, kind, ...rest] = request.path.split("/");
    const [generation = 0, start = 0, end = 0] = rest.map(Number);
    const known = this.#generations.get(generation);
    if (kind === "info") sendJson(response, 200, { current_generation: this.generation });
    else if (known === undefined) response.writeHead(404).end("no such generation");
    else if (kind === "export") sendBytes(response, known.base);
    else if (request.method === "POST") {
      sendJson(response, 200, this.#push(generation, start, cut(request.body), rest[3]));
    } else {
      const found = known.frames.slice(start - 1, start - 1 + Math.min(end - start, this.framesPerAnswer));
      if (found.length > 0) sendBytes(response, Buffer.concat(found));
      else sendJson(response, 400, { generation: this.generation });
    }
  }

  #push(generation: number, start: number, pushed: Buffer[], baton: string | undefined): object {
    const answer = (status: string, max: number): object => ({
      status,
      generation: this.generation,
      max_frame_no: max,
    });
    const { frames } = this;
    if (generation !== this.generation) return answer("conflict", frames.length);
    if (baton !== `b-${this.#baton}`) this.#staged = [];
    const known = [...frames, ...this.#staged];
    if (start > known.length + 1) return answer("ok", frames.length);
    const isSame = pushed.every((frame, index) => {
      const other = known[start - 1 + index];
      return other === undefined || content(other).equals(content(frame));
    });
    if (!isSame) return answer("conflict", frames.length);
    this.#staged.push(...pushed.slice(Math.max(known.length - start + 1, 0)));
    const last = this.#staged.findLastIndex((frame) => frame.readUInt32BE(4) > 0);
    frames.push(...this.#staged.splice(0, last + 1));
    const baton_ = this.#staged.length > 0 ? { baton: `b-${++this.#baton}` } : {};
    return { ...answer("ok", start - 1 + pushed.length), ...baton_ };
  }
}

/** Starts one on the loopback interface, until the test has ended. */
export async function startReference(firstGeneration?: number): Promise<ReferenceServer> {
  const reference = new ReferenceServer(firstGeneration);
  const server = createServer(async (message, response) => {
    const parts: Buffer[] = [];
    for await (const part of message) parts.push(part as Buffer);
    const { method = "", url = "", headers } = message;
    reference.handle({ method, path: url, headers, body: Buffer.concat(parts) }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  reference.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return reference;
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function sendBytes(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(200, { "content-length": bytes.length }).end(bytes);
}

function imageOf({ base, frames }: Generation): Buffer {
  const size = frames.findLast((frame) => frame.readUInt32BE(4) > 0)?.readUInt32BE(4) ?? base.length / PAGE;
  const image = Buffer.alloc(size * PAGE);
  base.copy(image);
  for (const frame of frames) frame.copy(image, (frame.readUInt32BE(0) - 1) * PAGE, 24);
  return image;
}

function openImage(image: Buffer): Database.Database {
  if (image.length === 0) return new Database(":memory:");
  const bytes = Buffer.from(image);
  // SQLite cannot open an image in WAL mode in memory.
  bytes.fill(1, VERSIONS, VERSIONS + 2);
  return new Database(bytes);
}

function runSql(db: Database.Database, sql: string): unknown[][] {
  const statement = db.prepare(sql);
  if (statement.reader) return statement.safeIntegers().raw().all() as unknown[][];
  statement.run();
  return [];
}

function cut(body: Buffer): Buffer[] {
  if (body.length === 0 || body.length % FRAME !== 0) throw new Error(`a body of ${body.length} bytes`);
  return Array.from({ length: body.length / FRAME }, (_, index) => {
    return Buffer.from(body.subarray(index * FRAME, (index + 1) * FRAME));
  });
}

/** What two frames have to have in common: page number, size, page. */
function content(frame: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 8), frame.subarray(24)]);
}
