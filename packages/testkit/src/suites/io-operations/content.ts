import { equal, fail, ok } from "node:assert/strict";
import type { FileHandle, IoOperations, OpenMode } from "@tributary/core";
import type { IoOperationsContext } from "./io-operations-context.js";

/** The largest content that the checks read at once. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Text as bytes. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes as text. */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** Bytes of which no two neighbours and no two blocks are alike. */
export function patternOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = index * 31 + (index >>> 8) * 7 + seed;
  return bytes;
}

/** Fails with an offset, where comparing would print megabytes. */
export function expectBytes(found: Uint8Array | undefined, wanted: Uint8Array, what: string): void {
  equal(found?.length, wanted.length, `${what}: number of bytes`);
  for (let offset = 0; offset < wanted.length; offset++) {
    if (found?.[offset] !== wanted[offset]) fail(`${what}: another byte at offset ${offset}`);
  }
}

/** A path in the directory of a check. */
export function pathIn(context: IoOperationsContext, name = "file"): string {
  return `${context.directory}/${name}`;
}

/** Opens a file that has to be there afterwards. */
export async function opened(files: IoOperations, path: string, mode: OpenMode): Promise<FileHandle> {
  const file = await files.openFile(path, mode);
  ok(file !== undefined, `openFile(…, "${mode}") gives a handle`);
  return file;
}

/** Makes a file with this content, synced. */
export async function makeFile(files: IoOperations, path: string, text: string): Promise<void> {
  const file = await opened(files, path, "replace");
  await files.writeAt(file, 0, bytesOf(text));
  await files.syncFile(file);
  await files.closeFile(file);
}

/** The content of a file by its path, as text; `undefined` when there is none. */
export async function contentOf(files: IoOperations, path: string): Promise<string | undefined> {
  return textOf(await files.readWholeFile(path, MOST_BYTES));
}
