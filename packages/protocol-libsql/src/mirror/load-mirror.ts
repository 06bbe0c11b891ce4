import { open, readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { PAGE_SIZE } from "@tributary/core";
import { FrameLog } from "./frame-log.js";
import { readLibsqlInfo } from "./libsql-info.js";
import { Mirror } from "./mirror.js";
import type { MirrorFiles } from "./mirror-files.js";
import { type BasePage, type MirrorState, parseMirrorState } from "./mirror-state.js";

const CHUNK_PAGES = 256;

/**
 * Opens the mirror that an earlier process left, if every byte of it is as it was: `undefined` if not, or if there is none.
 * Frames that it had not seen acknowledged are cut off: whether the remote has them, the next pull tells.
 */
export async function loadMirror(files: MirrorFiles): Promise<Mirror | undefined> {
  try {
    const info = readLibsqlInfo(files.info);
    const state = parseMirrorState(await readFile(files.state));
    if (info === undefined || state?.generation !== info.generation) return undefined;
    const log = await FrameLog.open(files.log, info.durableFrame);
    if (log === undefined) return undefined;
    if (await isIntact(files.database, state)) return new Mirror({ files, state, log });
    log.close();
    return undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Compares all pages of the database file with their checksums. */
async function isIntact(path: string, { pages }: MirrorState): Promise<boolean> {
  const file = await open(path, "r");
  try {
    if ((await file.stat()).size !== pages.length * PAGE_SIZE) return false;
    const bytes = Buffer.alloc(CHUNK_PAGES * PAGE_SIZE);
    for (let from = 0; from < pages.length; from += CHUNK_PAGES) {
      const chunk = pages.slice(from, from + CHUNK_PAGES);
      const { bytesRead } = await file.read(bytes, 0, chunk.length * PAGE_SIZE, from * PAGE_SIZE);
      if (bytesRead !== chunk.length * PAGE_SIZE || !chunk.every(isPage, bytes)) return false;
    }
    return true;
  } finally {
    await file.close();
  }
}

/** Whether the page in that place of `this` has its checksum. */
function isPage(this: Buffer, { checksum }: BasePage, index: number): boolean {
  return crc32(this.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE)) === checksum;
}
