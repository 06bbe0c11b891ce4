import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { type FileHandle, link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { CommandError } from "./command-error.js";

/** Rejects with `CommandError` where there is something by this name already. */
export function refuseToOverwrite(path: string): void {
  if (existsSync(path))
    throw new CommandError(`${path} is there already: move it away, or give another name`);
}

/**
 * Saves a stream as a new file: under another name until all of it is on the disk, so that a file by this name is whole.
 * Overwrites nothing and leaves nothing behind. Rejects with `CommandError`.
 */
export async function saveFile(path: string, source: Readable): Promise<void> {
  refuseToOverwrite(path);
  // It may fail before it is read; the reading fails then.
  source.on("error", () => {});
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await writeAll(file, source);
      await file.sync();
    } finally {
      await file.close();
    }
    await publish(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    source.destroy();
    throw explain(error, path);
  }
}

async function writeAll(file: FileHandle, source: Readable): Promise<void> {
  for await (const chunk of source) await file.writeFile(chunk as Buffer);
}

/** A link, unlike a rename, fails where there is a file by the new name. Not all file systems have links. */
async function publish(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch {
    refuseToOverwrite(path);
    await rename(temporary, path);
    return;
  }
  await rm(temporary);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function explain(error: unknown, path: string): CommandError {
  if (error instanceof CommandError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE" || message === "aborted")
    return new CommandError(
      `the connection broke before ${path} was whole, nothing was kept: try again`,
      error,
    );
  if (code === "ENOSPC") return new CommandError(`there is no room for ${path}, nothing was kept`, error);
  return new CommandError(`${path} cannot be written: ${message}`, error);
}
