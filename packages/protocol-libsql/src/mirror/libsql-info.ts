import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { readLibsqlMetadata } from "@tributary/core";
import { replaceFile } from "./mirror-files.js";

/** How far a mirror goes: all frames of its generation up to this one are the remote's. */
export interface MirrorInfo {
  /** At least 1. */
  readonly generation: number;
  /** Frames count from 1; 0: none. */
  readonly durableFrame: number;
}

/**
 * The metadata of libSQL's client, byte for byte as it writes them: the hash is the CRC-32 of version, durable frame and
 * generation as little-endian words. Source: `libsql/src/sync.rs` of 0.9.30, and vectors of its output.
 */
export function formatLibsqlInfo({ generation, durableFrame }: MirrorInfo): string {
  const words = new DataView(new ArrayBuffer(12));
  words.setUint32(4, durableFrame, true);
  words.setUint32(8, generation, true);
  const hash = crc32(new Uint8Array(words.buffer));
  return `{"hash":${hash},"version":0,"durable_frame_num":${durableFrame},"generation":${generation}}`;
}

/** Reads the file; `undefined` where anything about it is wrong: the mirror is a cache, and is not mended on a guess. */
export function readLibsqlInfo(path: string): MirrorInfo | undefined {
  const file = readLibsqlMetadata(readFileSync(path));
  if (file.type !== "known" || file.mended) return undefined;
  return { generation: file.metadata.generation, durableFrame: file.metadata.durableFrames };
}

/** Notes how far the mirror goes, durably. */
export function writeLibsqlInfo(path: string, info: MirrorInfo): void {
  replaceFile(path, Buffer.from(formatLibsqlInfo(info)));
}
