import { type FileHandle, open } from "node:fs/promises";
import { DATABASE_HEADER_SIZE, PAGE_SIZE, parseDatabaseHeader } from "@tributary/core";
import { checkPageSize, unsupportedEncoding } from "../database/database-file.js";
import { ServerError } from "../server-error.js";

const SUBJECT = "what was sent";
const TEXT_ENCODING_OFFSET = 56;
const UTF_16 = new Map([
  [2, "UTF-16le"],
  [3, "UTF-16be"],
]);

/**
 * Writes an SQLite file as it comes, durably, and refuses it as early as that can be told; nothing of its inside is looked at. Throws
 * `ServerError` "too-large", "not-a-database", "unsupported-page-size", "unsupported-encoding", what `source` throws, or an
 * error of Node.
 */
export async function receiveDatabase(
  file: string,
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<void> {
  const handle = await open(file, "wx", 0o644);
  try {
    const header = Buffer.alloc(DATABASE_HEADER_SIZE);
    let length = 0;
    for await (const piece of source) {
      if (length + piece.length > maxBytes) {
        throw new ServerError("too-large", `a database may be ${maxBytes} bytes long, ${SUBJECT} is longer`);
      }
      if (length < header.length) {
        header.set(piece.subarray(0, header.length - length), length);
        if (length + piece.length >= header.length) checkHeader(header);
      }
      await writeFully(handle, piece);
      length += piece.length;
    }
    checkLength(header, length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Trap: `write` may write less than it is given. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await handle.write(bytes, written)).bytesWritten;
  }
}

function checkHeader(header: Buffer): void {
  const { pageSize } = parseDatabaseHeader(header) ?? { pageSize: undefined };
  if (pageSize === undefined) throw new ServerError("not-a-database", `${SUBJECT} is not an SQLite database`);
  checkPageSize(pageSize, SUBJECT);
  const encoding = UTF_16.get(header.readUInt32BE(TEXT_ENCODING_OFFSET));
  if (encoding !== undefined) throw unsupportedEncoding(SUBJECT, encoding);
}

function checkLength(header: Buffer, length: number): void {
  // An empty file is an empty database.
  if (length === 0) return;
  if (length < header.length) throw new ServerError("not-a-database", `${SUBJECT} is not an SQLite database`);
  const pages = parseDatabaseHeader(header)?.databaseSize ?? 1;
  if (length % PAGE_SIZE === 0 && length >= pages * PAGE_SIZE) return;
  throw new ServerError(
    "not-a-database",
    `${SUBJECT} is no whole SQLite database: ${length} bytes where its header says ${pages} pages of ${PAGE_SIZE}. ` +
      "Copy a database that is in use with VACUUM INTO, or checkpoint it first",
  );
}
