import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import { crc32 } from "../values/crc32.js";
import { hexOf } from "../values/hex.js";
import { PAGE_SIZE } from "../values/page.js";
import { encodeUtf8 } from "../values/utf8.js";
import { type ImageLocation, TRANSFER_BYTES } from "./read-images.js";

/*
 * The revert file, `<database>-revert`: synced images of pages that local changes have touched. All integers
 * little-endian.
 *
 *   header, 32 bytes:   "TRIBREVT", u32 version, u32 page size, 16 bytes id
 *   records, 4104 each: u32 page number, u32 CRC-32 of id, page number and image, image
 *
 * Records are only appended. The id is random for each file and part of every checksum, so that nothing an earlier file
 * left on the disk counts. What the metadata names is the id and the number of records that are durable ("<id>-<n>"):
 * records behind that number may be torn and are dropped; fewer than that number is damage.
 *
 * Records that a crash left behind the saved number are harmless: as long as the file belongs to the synced state, the
 * synced image of a page is what the record says, whether or not the metadata counts it.
 */
const MAGIC = encodeUtf8("TRIBREVT");
const VERSION = 1;
const HEADER_SIZE = 32;
const ID_OFFSET = 16;
const ID_SIZE = 16;
const RECORD_HEADER_SIZE = 8;
const RECORD_SIZE = RECORD_HEADER_SIZE + PAGE_SIZE;

/** Most records that one read or write moves. */
export const RECORDS_PER_TRANSFER: number = Math.floor(TRANSFER_BYTES / RECORD_SIZE);

/** An open revert file. */
export class RevertFile {
  readonly #file: FileHandle;
  readonly #id: Uint8Array;
  /** Offset of the image of a page. */
  readonly #offsets: Map<number, number> = new Map();
  #records = 0;

  private constructor(file: FileHandle, id: Uint8Array) {
    this.#file = file;
    this.#id = id;
  }

  /** Makes an empty file; one that is there does not belong to any state and is replaced. */
  static *create(path: string): Coroutine<RevertFile> {
    const id = yield* io.randomBytes(ID_SIZE);
    const file = (yield* io.openFile(path, "replace")) as FileHandle;
    const header = new Uint8Array(HEADER_SIZE);
    const view = new DataView(header.buffer);
    header.set(MAGIC);
    view.setUint32(8, VERSION, true);
    view.setUint32(12, PAGE_SIZE, true);
    header.set(id, ID_OFFSET);
    yield* io.writeAt(file, 0, header);
    return new RevertFile(file, id);
  }

  /** Opens the file that the metadata names. Fails with `damaged-file` if it is not there with all that it must hold. */
  static *open(path: string, revertId: string): Coroutine<RevertFile> {
    const file = yield* io.openFile(path, "write");
    if (file === undefined) throw damaged(path, "is missing");
    try {
      const header = yield* io.readAt(file, 0, HEADER_SIZE);
      const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
      const known =
        header.length === HEADER_SIZE &&
        MAGIC.every((byte, index) => header[index] === byte) &&
        view.getUint32(8, true) === VERSION &&
        view.getUint32(12, true) === PAGE_SIZE;
      if (!known) throw damaged(path, "is not a revert file of this version of Tributary");
      const revert = new RevertFile(file, header.slice(ID_OFFSET));
      const [id, savedRecords] = revertId.split("-");
      if (hexOf(revert.#id) !== id) throw damaged(path, "belongs to another state of the replica");
      yield* revert.#load();
      if (revert.#records < Number(savedRecords)) {
        throw damaged(path, `holds ${revert.#records} pages of the ${savedRecords} that were saved to it`);
      }
      return revert;
    } catch (error) {
      yield* io.closeFile(file);
      throw error;
    }
  }

  /** What the metadata has to name once the file is synced. */
  get revertId(): string {
    return `${hexOf(this.#id)}-${this.#records}`;
  }

  /** The pages saved here. */
  get pages(): Iterable<number> {
    return this.#offsets.keys();
  }

  get bytes(): number {
    return HEADER_SIZE + this.#records * RECORD_SIZE;
  }

  has(page: number): boolean {
    return this.#offsets.has(page);
  }

  locationOf(page: number): ImageLocation | undefined {
    const offset = this.#offsets.get(page);
    return offset === undefined ? undefined : { file: this.#file, offset };
  }

  /** Appends the images of pages; not durable before `sync`. */
  *append(pages: readonly number[], images: Uint8Array): Coroutine<void> {
    const bytes = new Uint8Array(pages.length * RECORD_SIZE);
    const view = new DataView(bytes.buffer);
    for (const [index, page] of pages.entries()) {
      const at = index * RECORD_SIZE;
      bytes.set(images.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE), at + RECORD_HEADER_SIZE);
      view.setUint32(at, page, true);
      view.setUint32(at + 4, this.#checksum(bytes, at), true);
    }
    const offset = this.bytes;
    yield* io.writeAt(this.#file, offset, bytes);
    for (const [index, page] of pages.entries()) {
      this.#offsets.set(page, offset + index * RECORD_SIZE + RECORD_HEADER_SIZE);
    }
    this.#records += pages.length;
  }

  *sync(): Coroutine<void> {
    yield* io.syncFile(this.#file);
  }

  *close(): Coroutine<void> {
    yield* io.closeFile(this.#file);
  }

  /** Reads records up to the first that is torn. */
  *#load(): Coroutine<void> {
    for (;;) {
      const offset = this.bytes;
      const bytes = yield* io.readAt(this.#file, offset, RECORDS_PER_TRANSFER * RECORD_SIZE);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; ; at += RECORD_SIZE) {
        if (at === RECORDS_PER_TRANSFER * RECORD_SIZE) break;
        if (at + RECORD_SIZE > bytes.length) return;
        if (view.getUint32(at + 4, true) !== this.#checksum(bytes, at)) return;
        this.#offsets.set(view.getUint32(at, true), offset + at + RECORD_HEADER_SIZE);
        this.#records++;
      }
    }
  }

  /** Checksum of the record at `at`. */
  #checksum(bytes: Uint8Array, at: number): number {
    const withNumber = crc32(bytes.subarray(at, at + 4), crc32(this.#id));
    return crc32(bytes.subarray(at + RECORD_HEADER_SIZE, at + RECORD_SIZE), withNumber);
  }
}

function damaged(path: string, what: string): SyncError {
  return new SyncError(
    "damaged-file",
    `${path} ${what}. It holds what is needed to tell local changes from synced pages: put it back from a backup together with the other files of the replica.`,
    { path },
  );
}
