import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import {
  SQLITE_IOERR_SHORT_READ,
  SQLITE_NOTFOUND,
  SQLITE_OK,
  SQLITE_OPEN_CREATE,
  SQLITE_OPEN_DELETEONCLOSE,
} from "@vlcn.io/wa-sqlite";

interface OpenFile {
  readonly descriptor: number;
  readonly path: string;
  readonly flags: number;
}

/** Files of SQLite in wasm as files of this machine, on `node:fs`. Without locks: one connection only. */
export class NodeVfs implements SQLiteVFS {
  readonly name = "node";
  readonly mxPathName = 512;
  readonly #files = new Map<number, OpenFile>();
  readonly #temporaryPath: string;
  #temporaryFiles = 0;

  /** `temporaryPath`: what the paths of files that SQLite gives no name begin with. */
  constructor(temporaryPath: string) {
    this.#temporaryPath = temporaryPath;
  }

  xOpen(name: string | null, id: number, flags: number, outFlags: DataView): number {
    const path = name ?? `${this.#temporaryPath}-${++this.#temporaryFiles}`;
    const isNew = (flags & SQLITE_OPEN_CREATE) !== 0 && !existsSync(path);
    this.#files.set(id, { descriptor: openSync(path, isNew ? "w+" : "r+"), path, flags });
    outFlags.setInt32(0, flags, true);
    return SQLITE_OK;
  }

  xClose(id: number): number {
    const { descriptor, path, flags } = this.#file(id);
    closeSync(descriptor);
    if ((flags & SQLITE_OPEN_DELETEONCLOSE) !== 0) rmSync(path);
    this.#files.delete(id);
    return SQLITE_OK;
  }

  xRead(id: number, data: Uint8Array, offset: number): number {
    const count = readSync(this.#file(id).descriptor, data, 0, data.byteLength, offset);
    if (count === data.byteLength) return SQLITE_OK;
    data.fill(0, count);
    return SQLITE_IOERR_SHORT_READ;
  }

  xWrite(id: number, data: Uint8Array, offset: number): number {
    writeSync(this.#file(id).descriptor, data, 0, data.byteLength, offset);
    return SQLITE_OK;
  }

  xTruncate(id: number, size: number): number {
    ftruncateSync(this.#file(id).descriptor, size);
    return SQLITE_OK;
  }

  xSync(id: number): number {
    fsyncSync(this.#file(id).descriptor);
    return SQLITE_OK;
  }

  xFileSize(id: number, size: DataView): number {
    size.setBigInt64(0, BigInt(fstatSync(this.#file(id).descriptor).size), true);
    return SQLITE_OK;
  }

  xDelete(path: string): number {
    rmSync(path, { force: true });
    return SQLITE_OK;
  }

  xAccess(path: string, _flags: number, result: DataView): number {
    result.setInt32(0, existsSync(path) ? 1 : 0, true);
    return SQLITE_OK;
  }

  xLock(): number {
    return SQLITE_OK;
  }

  xUnlock(): number {
    return SQLITE_OK;
  }

  xCheckReservedLock(_id: number, result: DataView): number {
    result.setInt32(0, 0, true);
    return SQLITE_OK;
  }

  xFileControl(): number {
    return SQLITE_NOTFOUND;
  }

  xSectorSize(): number {
    return 512;
  }

  xDeviceCharacteristics(): number {
    return 0;
  }

  #file(id: number): OpenFile {
    return this.#files.get(id) as OpenFile;
  }
}
