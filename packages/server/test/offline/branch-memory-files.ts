import type { BranchFile, BranchFiles } from "../../src/offline/branch-files.js";

/** Thrown where a process ends: by `stopAt`, and by everything after it. */
export class Stopped extends Error {}

/** How much of what was not brought to the disk a crash leaves: all (the process was killed), or what `keeps` says. */
export type Loss = "killed" | (() => number);

interface Write {
  readonly position: number;
  /** Undefined: the length is set to `position`. */
  readonly bytes: Uint8Array | undefined;
}

class MemoryFile {
  now = new Uint8Array();
  durable = new Uint8Array();
  pending: Write[] = [];
}

class MemoryDirectory {
  now = new Map<string, Entry>();
  durable = new Map<string, Entry>();
  /** In their order: a file system with a journal keeps the first few. */
  pending: ((names: Map<string, Entry>) => void)[] = [];
}

type Entry = MemoryFile | MemoryDirectory;

/** Sectors of a disk are written as a whole, bytes. */
const SECTOR = 512;

/** Files in memory that can end at any step, and lose what a crash or a power cut could take. */
export class MemoryFiles implements BranchFiles {
  /** Steps that change something, so far. */
  steps = 0;
  stopAt = Number.POSITIVE_INFINITY;
  /** The step that fails, for once. */
  failAt = Number.POSITIVE_INFINITY;
  readonly #root: MemoryDirectory;

  constructor(root: MemoryDirectory = new MemoryDirectory()) {
    this.#root = root;
  }

  /** What a new process finds. */
  afterCrash(loss: Loss): MemoryFiles {
    return new MemoryFiles(crashed(this.#root, loss) as MemoryDirectory);
  }

  open(path: string, mode: "read" | "write" | "create"): BranchFile {
    let file = this.#find(path);
    if (mode === "create") {
      if (!(file instanceof MemoryFile)) {
        file = new MemoryFile();
        this.#change(path, (names, name) => names.set(name, file as Entry));
      } else write(this, file, { position: 0, bytes: undefined });
    }
    if (!(file instanceof MemoryFile)) throw new Error(`ENOENT: ${path}`);
    return new OpenFile(this, file);
  }

  readWhole(path: string): Uint8Array | undefined {
    const file = this.#find(path);
    return file instanceof MemoryFile ? Uint8Array.from(file.now) : undefined;
  }

  list(path: string): readonly string[] {
    const directory = this.#find(path);
    return directory instanceof MemoryDirectory ? [...directory.now.keys()] : [];
  }

  makeDirectory(path: string): void {
    if (this.#find(path) !== undefined) return;
    const directory = new MemoryDirectory();
    this.#change(path, (names, name) => names.set(name, directory));
  }

  rename(from: string, to: string): void {
    const entry = this.#find(from);
    if (entry === undefined) throw new Error(`ENOENT: ${from}`);
    const name = from.slice(from.lastIndexOf("/") + 1);
    this.#change(to, (names, target) => {
      names.delete(name);
      names.set(target, entry);
    });
  }

  remove(path: string): void {
    if (this.#find(path) !== undefined) this.#change(path, (names, name) => names.delete(name));
  }

  syncDirectory(path: string): void {
    this.step();
    const directory = this.#find(path) as MemoryDirectory;
    directory.durable = new Map(directory.now);
    directory.pending = [];
  }

  /** Damages a file, for good. */
  spoil(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const file = this.#find(path) as MemoryFile;
    file.now = Uint8Array.from(change(Uint8Array.from(file.now)));
  }

  step(): void {
    this.steps += 1;
    if (this.steps === this.failAt) throw new Error("ENOSPC");
    if (this.steps > this.stopAt) throw new Stopped(`stopped at step ${this.stopAt}`);
  }

  #change(path: string, change: (names: Map<string, Entry>, name: string) => void): void {
    this.step();
    const slash = path.lastIndexOf("/");
    const directory = this.#find(path.slice(0, slash));
    if (!(directory instanceof MemoryDirectory)) throw new Error(`ENOENT: ${path}`);
    const apply = (names: Map<string, Entry>): void => change(names, path.slice(slash + 1));
    apply(directory.now);
    directory.pending.push(apply);
  }

  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of path.split("/").filter((part) => part !== ""))
      entry = entry instanceof MemoryDirectory ? entry.now.get(name) : undefined;
    return entry;
  }
}

class OpenFile implements BranchFile {
  readonly #files: MemoryFiles;
  readonly #file: MemoryFile;

  constructor(files: MemoryFiles, file: MemoryFile) {
    this.#files = files;
    this.#file = file;
  }

  size(): number {
    return this.#file.now.length;
  }

  read(target: Uint8Array, position: number): number {
    const bytes = this.#file.now.subarray(position, position + target.length);
    target.set(bytes);
    return bytes.length;
  }

  write(bytes: Uint8Array, position: number): void {
    write(this.#files, this.#file, { position, bytes: Uint8Array.from(bytes) });
  }

  setSize(length: number): void {
    write(this.#files, this.#file, { position: length, bytes: undefined });
  }

  sync(): void {
    this.#files.step();
    this.#file.durable = this.#file.now.slice();
    this.#file.pending = [];
  }

  async syncMeanwhile(): Promise<void> {
    this.sync();
  }

  close(): void {}
}

function write(files: MemoryFiles, file: MemoryFile, change: Write): void {
  files.step();
  file.now = written(file.now, change);
  file.pending.push(change);
}

function written(content: Uint8Array, { position, bytes }: Write): Uint8Array<ArrayBuffer> {
  const length = bytes === undefined ? position : Math.max(content.length, position + bytes.length);
  const result = new Uint8Array(length);
  result.set(content.subarray(0, length));
  if (bytes !== undefined) result.set(bytes, position);
  return result;
}

function crashed(entry: Entry, loss: Loss): Entry {
  if (entry instanceof MemoryFile) {
    const file = new MemoryFile();
    file.now = loss === "killed" ? entry.now.slice() : whatIsLeft(entry, loss);
    file.durable = loss === "killed" ? entry.durable.slice() : file.now;
    if (loss === "killed") file.pending = [...entry.pending];
    return file;
  }
  const directory = new MemoryDirectory();
  const names = loss === "killed" ? entry.now : new Map(entry.durable);
  if (loss !== "killed") {
    const kept = Math.floor(loss() * (entry.pending.length + 1));
    for (const apply of entry.pending.slice(0, kept)) apply(names);
  }
  for (const [name, child] of names) directory.now.set(name, crashed(child, loss));
  directory.durable = new Map(directory.now);
  return directory;
}

/** Of the writes that were not synced, each is there, or not, or its first sectors are. */
function whatIsLeft(file: MemoryFile, keeps: () => number): Uint8Array<ArrayBuffer> {
  let content = file.durable.slice();
  for (const { position, bytes } of file.pending) {
    const kept = keeps();
    if (bytes === undefined ? kept >= 0.5 : kept > 0.66) content = written(content, { position, bytes });
    else if (bytes !== undefined && kept > 0.33) {
      const torn = bytes.subarray(0, Math.floor((bytes.length * kept) / SECTOR) * SECTOR);
      if (torn.length > 0) content = written(content, { position, bytes: torn });
    }
  }
  return content;
}
