import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { syncDirectory } from "../files/sync-directory.js";
import { ServerError } from "../server-error.js";
import type { BranchFile, BranchFiles } from "./branch-files.js";

const FLAGS = { read: "r", write: "r+", create: "w+" } as const;

/** Files of the machine. */
export const nodeBranchFiles: BranchFiles = {
  open: (path, mode) => new NodeFile(openSync(path, FLAGS[mode])),
  readWhole: (path) => (existsSync(path) ? readFileSync(path) : undefined),
  list: (path) => (existsSync(path) ? readdirSync(path) : []),
  makeDirectory: (path) => void mkdirSync(path, { recursive: true }),
  rename: renameSync,
  remove: (path) => rmSync(path, { recursive: true, force: true }),
  syncDirectory,
};

class NodeFile implements BranchFile {
  #opened: number | undefined;

  constructor(descriptor: number) {
    this.#opened = descriptor;
  }

  /** Trap: the number of a descriptor that is closed soon belongs to another file, of another database perhaps. */
  get #descriptor(): number {
    if (this.#opened !== undefined) return this.#opened;
    throw new ServerError("closed", "the files of this offline replica are closed");
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Trap: `readSync` may read less than there is. */
  read(target: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < target.length) {
      const read = readSync(this.#descriptor, target, filled, target.length - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  /** Trap: `writeSync` may write less than it is given. */
  write(bytes: Uint8Array, position: number): void {
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.#descriptor, bytes, written, bytes.length - written, position + written);
    }
  }

  setSize(length: number): void {
    ftruncateSync(this.#descriptor, length);
  }

  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  async syncMeanwhile(): Promise<void> {
    await promisify(fdatasync)(this.#descriptor);
  }

  close(): void {
    const descriptor = this.#descriptor;
    this.#opened = undefined;
    closeSync(descriptor);
  }
}
