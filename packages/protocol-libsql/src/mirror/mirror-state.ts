import { crc32 } from "node:zlib";

/** What is known of one page of the database file, as it is without the log. */
export interface BasePage {
  /** CRC-32 of its 4096 bytes. */
  readonly checksum: number;
  /** The generation and the frame in which it last changed; 0 and 0: not since the mirror was made. */
  readonly generation: number;
  readonly frame: number;
}

/** What a mirror knows beyond libSQL's metadata. */
export interface MirrorState {
  /** 32 hexadecimal digits; another one with each mirror that is made, so that its revisions cannot be taken for another's. */
  readonly history: string;
  /** The generation whose beginning the database file is. */
  readonly generation: number;
  /** By page id. */
  readonly pages: readonly BasePage[];
}

const MAGIC = 0x54_4c_4d_31;
const HEADER_SIZE = 28;
const ENTRY_SIZE = 12;
const CHECKSUM_SIZE = 4;

/**
 * Big-endian words: "TLM1", history (16 bytes), generation, number of pages; for each page its checksum, generation and
 * frame; the CRC-32 of all that.
 */
export function formatMirrorState({ history, generation, pages }: MirrorState): Uint8Array {
  const bytes = Buffer.alloc(HEADER_SIZE + pages.length * ENTRY_SIZE + CHECKSUM_SIZE);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.write(history, 4, "hex");
  bytes.writeUInt32BE(generation, 20);
  bytes.writeUInt32BE(pages.length, 24);
  let at = HEADER_SIZE;
  for (const page of pages) {
    bytes.writeUInt32BE(page.checksum, at);
    bytes.writeUInt32BE(page.generation, at + 4);
    bytes.writeUInt32BE(page.frame, at + 8);
    at += ENTRY_SIZE;
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(0, at)), at);
  return bytes;
}

/** `undefined` if a byte of it is wrong, missing, or one too many. */
export function parseMirrorState(bytes: Buffer): MirrorState | undefined {
  const end = bytes.length - CHECKSUM_SIZE;
  if (end < HEADER_SIZE || bytes.readUInt32BE(0) !== MAGIC) return undefined;
  if (bytes.readUInt32BE(end) !== crc32(bytes.subarray(0, end))) return undefined;
  const count = bytes.readUInt32BE(24);
  if (end !== HEADER_SIZE + count * ENTRY_SIZE) return undefined;
  const pages = Array.from({ length: count }, (_, index): BasePage => {
    const at = HEADER_SIZE + index * ENTRY_SIZE;
    return {
      checksum: bytes.readUInt32BE(at),
      generation: bytes.readUInt32BE(at + 4),
      frame: bytes.readUInt32BE(at + 8),
    };
  });
  return { history: bytes.toString("hex", 4, 20), generation: bytes.readUInt32BE(20), pages };
}
