import { PAGE_SIZE } from "@tributary/core";
import { expect } from "vitest";
import type { SyncServer } from "../../../src/index.js";
import { encodeFields, Fields } from "./protobuf.js";

/** What came of a call. */
export interface GrpcAnswer {
  readonly response: Response;
  /** The code of gRPC, and its text. */
  readonly status: number;
  readonly text: string;
  readonly messages: readonly Buffer[];
}

/** A page as it came. */
export interface ReceivedFrame {
  readonly number: bigint;
  readonly pageNumber: number;
  readonly sizeAfter: number;
  readonly page: Buffer;
}

/** Calls a method, as tonic does, and reads the whole answer. */
export async function call(
  server: SyncServer,
  path: string,
  message: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<GrpcAnswer> {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return send(server, path, Buffer.concat([prefix, message]), headers, signal);
}

/** The same with a body as it is. */
export async function send(
  server: SyncServer,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<GrpcAnswer> {
  const request = new Request(`http://localhost${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/grpc-web", te: "trailers", ...headers },
    ...(signal === undefined ? {} : { signal }),
  });
  const response = await server.fetch(request);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.headers.has("grpc-status")) {
    const text = decodeURIComponent(response.headers.get("grpc-message") ?? "");
    return { response, status: Number(response.headers.get("grpc-status")), text, messages: [] };
  }
  expect(response.headers.get("content-type")).toBe("application/grpc-web+proto");
  const messages: Buffer[] = [];
  for (let offset = 0; ; ) {
    const length = bytes.readUInt32BE(offset + 1);
    const part = bytes.subarray(offset + 5, offset + 5 + length);
    if (bytes[offset] === 0) messages.push(part);
    else {
      expect([bytes[offset], part.toString(), offset + 5 + length]).toEqual([
        0x80,
        "grpc-status:0\r\n",
        bytes.length,
      ]);
      return { response, status: 0, text: "", messages };
    }
    offset += 5 + length;
  }
}

/** An embedded replica as the server sees it: the file, rebuilt from frames alone. */
export class EmbeddedClient {
  readonly #server: SyncServer;
  readonly #prefix: string;
  readonly headers: Record<string, string>;
  bytes: Buffer = Buffer.alloc(0);
  logId: string | undefined;
  /** The frame that it has last. */
  frame: bigint | undefined;
  /** What the last sync brought, and by which methods. */
  received: readonly ReceivedFrame[] = [];
  methods: string[] = [];

  constructor(server: SyncServer, prefix = "", headers: Record<string, string> = {}) {
    this.#server = server;
    this.#prefix = prefix;
    this.headers = { ...headers };
  }

  call(method: string, message: Uint8Array): Promise<GrpcAnswer> {
    this.methods.push(method);
    return call(this.#server, `${this.#prefix}/wal_log.ReplicationLog/${method}`, message, this.headers);
  }

  /** Gives the newest frame that the server names. */
  async hello(): Promise<bigint | undefined> {
    const { status, text, messages } = await this.call("Hello", encodeFields([1, 1n]));
    expect([status, text]).toEqual([0, ""]);
    const fields = new Fields(messages[0] as Buffer);
    this.headers["x-session-token"] = fields.text(4) as string;
    const logId = fields.text(3) as string;
    expect(logId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    if (this.logId !== undefined && this.logId !== logId) this.frame = undefined;
    this.logId = logId;
    return fields.number(5);
  }

  /** As the client does it: until it has the frame that the hello named. */
  async sync(): Promise<void> {
    this.methods = [];
    this.received = [];
    const newest = await this.hello();
    for (let round = 0; newest !== undefined && (this.frame ?? -1n) < newest; round++) {
      expect(round).toBeLessThan(3);
      await this.pull();
    }
  }

  /** One `BatchLogEntries`, and the snapshot where one is needed. */
  async pull(): Promise<void> {
    const offset = encodeFields([1, this.frame === undefined ? 0n : this.frame + 1n]);
    const answer = await this.call("BatchLogEntries", offset);
    if (answer.status === 0) {
      const frames = new Fields(answer.messages[0] as Buffer).messages(1).map(toFrame);
      this.#apply(frames, frames.at(-1)?.number);
      return;
    }
    expect([answer.status, answer.text]).toEqual([9, "NEED_SNAPSHOT"]);
    const snapshot = await this.call("Snapshot", offset);
    expect(snapshot.status).toBe(0);
    const frames = snapshot.messages.map((message) => toFrame(new Fields(message)));
    this.#apply(frames, frames[0]?.number);
  }

  #apply(frames: readonly ReceivedFrame[], position: bigint | undefined): void {
    this.received = [...this.received, ...frames];
    if (frames.length === 0) return;
    expect(frames.slice(0, -1).every(({ sizeAfter }) => sizeAfter === 0)).toBe(true);
    const size = frames.at(-1)?.sizeAfter as number;
    expect(size).toBeGreaterThan(0);
    const bytes = Buffer.alloc(size * PAGE_SIZE);
    this.bytes.copy(bytes);
    for (const { page, pageNumber } of frames) page.copy(bytes, (pageNumber - 1) * PAGE_SIZE);
    this.bytes = bytes;
    this.frame = position;
  }
}

function toFrame(message: Fields): ReceivedFrame {
  const [data] = message.all(1);
  if (data?.length !== 24 + PAGE_SIZE) throw new Error("not a frame");
  return {
    number: data.readBigUInt64LE(0),
    pageNumber: data.readUInt32LE(16),
    sizeAfter: data.readUInt32LE(20),
    page: data.subarray(24),
  };
}
