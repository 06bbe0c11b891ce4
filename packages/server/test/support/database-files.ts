import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, vi } from "vitest";
import type { DatabaseRegistry } from "../../src/databases/database-registry.js";
import { tempDirectory } from "./temp-directory.js";

/** Bytes as they come over a wire. */
export async function* chunksOf(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

/** A database as a file. */
export async function exported(registry: DatabaseRegistry, name: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await registry.export(name)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What SQLite finds in table `t` of a file. */
export function contentOf(file: string): unknown[] {
  const connection = new Database(file);
  expect(connection.pragma("integrity_check", { simple: true })).toBe("ok");
  const rows = connection.prepare("SELECT id, hex(body) FROM t ORDER BY id").raw().all() as [
    number,
    string,
  ][];
  connection.close();
  return rows.map(([id, body]) => `${id} ${createHash("sha256").update(body).digest("hex")}`);
}

/** Gives the path of a file with these bytes. */
export function writeBytes(bytes: Uint8Array): string {
  const file = join(tempDirectory(), "file.db");
  writeFileSync(file, bytes);
  return file;
}

/** The bytes of a database that SQLite alone has made. */
export function makeFile(prepare: (connection: Database.Database) => void): Buffer {
  const file = join(tempDirectory(), "made.db");
  const connection = new Database(file);
  prepare(connection);
  connection.close();
  return readFileSync(file);
}

/** What is half made in a data directory. */
export function leftovers(directory: string): string[] {
  return readdirSync(join(directory, "tmp"));
}

/** Lets every second write through a file handle fail as on a full disk, until the test has finished. */
export async function fillDisk(): Promise<void> {
  const handle = await open(join(tempDirectory(), "probe"), "w");
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, "write">;
  await handle.close();
  const write = prototype.write;
  let count = 0;
  const spy = vi.spyOn(prototype, "write").mockImplementation(function (
    this: FileHandle,
    ...args: unknown[]
  ) {
    count += 1;
    if (count % 2 === 0) {
      return Promise.reject(
        Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }),
      );
    }
    return Reflect.apply(write, this, args) as ReturnType<FileHandle["write"]>;
  } as never);
  onTestFinished(() => spy.mockRestore());
}
