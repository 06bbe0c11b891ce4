import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PAGE_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { expect } from "vitest";
import type { SyncServer } from "../../src/index.js";
import { post } from "./open-server.js";
import { tempDirectory } from "./temp-directory.js";

/** Fields of a pull request, by their protobuf numbers; a reader and writer of its own, to check the real ones. */
export interface PullFields {
  readonly encoding?: number;
  readonly serverRevision?: string;
  readonly clientRevision?: string;
  readonly longPollTimeoutMs?: number;
  readonly selector?: Uint8Array;
}

export interface PullAnswer {
  readonly revision: string;
  readonly databaseSize: number;
  readonly protocol: number;
  readonly isRaw: boolean;
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

export function pullRequest(fields: PullFields): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const bytes = (number: number, value: Uint8Array): void => {
    parts.push(varint(number * 8 + 2), varint(value.length), value);
  };
  if (fields.encoding !== undefined) parts.push(varint(8), varint(fields.encoding));
  if (fields.serverRevision !== undefined) bytes(2, Buffer.from(fields.serverRevision));
  if (fields.clientRevision !== undefined) bytes(3, Buffer.from(fields.clientRevision));
  if (fields.longPollTimeoutMs !== undefined) parts.push(varint(32), varint(fields.longPollTimeoutMs));
  if (fields.selector !== undefined) bytes(5, fields.selector);
  return Uint8Array.from(Buffer.concat(parts));
}

export function pull(server: SyncServer, fields: PullFields, signal?: AbortSignal): Promise<Response> {
  return post(server, "/pull-updates", pullRequest(fields), signal);
}

/** Pulls and reads the whole answer. */
export async function pullAnswer(server: SyncServer, fields: PullFields): Promise<PullAnswer> {
  const response = await pull(server, fields);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/protobuf");
  return parseAnswer(new Uint8Array(await response.arrayBuffer()));
}

export function parseAnswer(bytes: Uint8Array): PullAnswer {
  const messages = [...delimited(bytes)];
  const header = new Map(readFields(messages[0] as Uint8Array));
  const pages = new Map<number, Uint8Array>();
  for (const message of messages.slice(1)) {
    const page = new Map(readFields(message));
    const pageId = Number(page.get(1) ?? 0);
    expect(pages.has(pageId)).toBe(false);
    expect((page.get(2) as Uint8Array).length).toBe(PAGE_SIZE);
    pages.set(pageId, page.get(2) as Uint8Array);
  }
  return {
    revision: Buffer.from(header.get(1) as Uint8Array).toString(),
    databaseSize: Number(header.get(2)),
    protocol: Number(header.get(8)),
    isRaw: header.has(3) && !header.has(4),
    pages,
  };
}

/** A portable Roaring bitmap of page ids below 65 536. */
export function selectorOf(...pageIds: number[]): Uint8Array {
  const words = [12346 & 0xffff, 0, 1, 0, 0, pageIds.length - 1, 16, 0, ...pageIds];
  return new Uint8Array(Uint16Array.from(words).buffer);
}

/** Opens the pages of a complete answer with SQLite and runs a query there. */
export function queryPages(
  pages: ReadonlyMap<number, Uint8Array>,
  databaseSize: number,
  sql: string,
): unknown[] {
  const bytes = new Uint8Array(databaseSize * PAGE_SIZE);
  for (let pageId = 0; pageId < databaseSize; pageId++) {
    bytes.set(pages.get(pageId) as Uint8Array, pageId * PAGE_SIZE);
  }
  bytes.fill(1, 18, 20);
  const path = join(tempDirectory(), "pulled.db");
  writeFileSync(path, bytes);
  const copy = new Database(path);
  expect(copy.pragma("integrity_check", { simple: true })).toBe("ok");
  const rows = copy.prepare(sql).pluck().all();
  copy.close();
  return rows;
}

function* delimited(bytes: Uint8Array): Generator<Uint8Array> {
  for (let position = 0; position < bytes.length; ) {
    const [length, start] = readVarint(bytes, position);
    expect(start + length).toBeLessThanOrEqual(bytes.length);
    yield bytes.subarray(start, start + length);
    position = start + length;
  }
}

function* readFields(message: Uint8Array): Generator<[number, number | Uint8Array]> {
  for (let position = 0; position < message.length; ) {
    const [tag, afterTag] = readVarint(message, position);
    const [value, afterValue] = readVarint(message, afterTag);
    const isBytes = tag % 8 === 2;
    position = isBytes ? afterValue + value : afterValue;
    yield [Math.floor(tag / 8), isBytes ? message.subarray(afterValue, position) : value];
  }
}

function readVarint(bytes: Uint8Array, position: number): [number, number] {
  let value = 0;
  for (let factor = 1, at = position; ; factor *= 128) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error("the message ends inside a varint");
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at];
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}
