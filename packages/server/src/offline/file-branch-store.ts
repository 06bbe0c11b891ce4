import { dirname, join } from "node:path";
import { PAGE_SIZE } from "@tributary/core";
import { ServerError } from "../server-error.js";
import type { Branch } from "./branch.js";
import type { BranchFiles } from "./branch-files.js";
import { nodeBranchFiles } from "./branch-files-node.js";
import { BranchFrames } from "./branch-frames.js";
import { BASE_NAME, FRAMES_NAME } from "./branch-pages.js";
import { createBranchState, readBranchState } from "./branch-state-files.js";
import { type BranchStore, GENERATIONS_PER_BLOCK, type NewBranch } from "./branch-store.js";
import { FileBranch } from "./file-branch.js";

/** Options of {@link openBranchStore}. */
export interface BranchStoreOptions {
  /** What time it is, ms since 1970. */
  readonly now: () => number;
  /** Default: those of the machine. */
  readonly files?: BranchFiles;
}

type KnownBranch = Pick<Branch, "block" | "device" | "createdAt" | "usedAt">;

const NAME = /^branch-(\d+)$/;

/**
 * The branches of one database, each in a directory `branch-{block}` in this one, which is made with the first of them. What
 * a crash left of one that was being made or removed is removed. Throws an error of Node.
 */
export function openBranchStore(
  directory: string,
  { now, files = nodeBranchFiles }: BranchStoreOptions,
): BranchStore {
  return new FileBranchStore(directory, now, files);
}

class FileBranchStore implements BranchStore {
  readonly #directory: string;
  readonly #now: () => number;
  readonly #files: BranchFiles;
  readonly #blocks = new Set<number>();
  readonly #making = new Set<number>();
  readonly #open = new Map<number, FileBranch>();
  /** What was read of those that are not open. */
  readonly #known = new Map<number, KnownBranch>();
  #isClosed = false;

  constructor(directory: string, now: () => number, files: BranchFiles) {
    this.#directory = directory;
    this.#now = now;
    this.#files = files;
    for (const name of files.list(directory)) {
      const block = NAME.exec(name)?.[1];
      if (block !== undefined) this.#blocks.add(Number(block));
      else if (name.startsWith("branch-")) files.remove(join(directory, name));
    }
  }

  list(): readonly KnownBranch[] {
    return Array.from(this.#blocks, (block) => this.#open.get(block) ?? this.#readKnown(block));
  }

  open(block: number, mergedPosition: (era: number) => number | undefined): Branch | undefined {
    this.#checkOpen();
    if (!this.#blocks.has(block)) return undefined;
    const branch = this.#open.get(block) ?? this.#openFiles(block, mergedPosition);
    branch.use(this.#now());
    return branch;
  }

  async create(branch: NewBranch): Promise<Branch> {
    this.#checkOpen();
    const { block } = branch;
    if (this.#blocks.has(block) || this.#making.has(block))
      throw new RangeError(`There is a branch ${block}.`);
    this.#making.add(block);
    const path = this.#pathOf(block);
    const unfinished = `${path}.new`;
    try {
      this.#makeDirectory();
      await this.#write(unfinished, branch);
      this.#checkOpen();
      this.#files.rename(unfinished, path);
      this.#files.syncDirectory(this.#directory);
    } catch (error) {
      this.#files.remove(unfinished);
      throw error;
    } finally {
      this.#making.delete(block);
    }
    this.#blocks.add(block);
    return this.#openFiles(block, () => undefined);
  }

  async remove(block: number): Promise<void> {
    this.#checkOpen();
    if (!this.#blocks.delete(block)) return;
    this.#open.get(block)?.close();
    this.#known.delete(block);
    const gone = `${this.#pathOf(block)}.gone`;
    this.#files.rename(this.#pathOf(block), gone);
    this.#files.syncDirectory(this.#directory);
    this.#files.remove(gone);
  }

  close(): void {
    this.#isClosed = true;
    for (const branch of [...this.#open.values()]) branch.close();
  }
  #checkOpen(): void {
    if (this.#isClosed) throw new ServerError("closed", "the database is closed");
  }

  #pathOf(block: number): string {
    return join(this.#directory, `branch-${block}`);
  }

  #openFiles(block: number, mergedPosition: (era: number) => number | undefined): FileBranch {
    const branch = new FileBranch({
      files: this.#files,
      directory: this.#pathOf(block),
      mergedPosition,
      onClose: () => {
        this.#open.delete(block);
        const { device, createdAt, usedAt } = branch;
        this.#known.set(block, { block, device, createdAt, usedAt });
      },
    });
    this.#open.set(block, branch);
    return branch;
  }

  #readKnown(block: number): KnownBranch {
    const before = this.#known.get(block);
    if (before !== undefined) return before;
    const { device, createdAt, usedAt } = readState(this.#files, this.#pathOf(block)) ?? DAMAGED;
    const branch = { block, device, createdAt, usedAt };
    this.#known.set(block, branch);
    return branch;
  }

  #makeDirectory(): void {
    if (this.#blocks.size > 0) return;
    this.#files.makeDirectory(this.#directory);
    this.#files.syncDirectory(dirname(this.#directory));
  }

  async #write(path: string, { block, device, image, standing }: NewBranch): Promise<void> {
    const files = this.#files;
    files.remove(path);
    files.makeDirectory(path);
    const basePages = await writeImage(files, join(path, BASE_NAME), image);
    const frames = BranchFrames.create(files, join(path, FRAMES_NAME), { block, base: 0, basePages });
    try {
      frames.sync();
    } finally {
      frames.close();
    }
    const now = this.#now();
    createBranchState(files, path, {
      block,
      device,
      createdAt: now,
      usedAt: now,
      era: 0,
      rewinds: 0,
      confirmed: 0,
      head: 0,
      generations: [{ generation: firstGeneration(block), start: 0 }],
      standing,
    });
  }
}

/** What is listed of a branch that cannot be read. */
const DAMAGED: Omit<KnownBranch, "block"> = { device: undefined, createdAt: 0, usedAt: 0 };

function readState(files: BranchFiles, path: string): Omit<KnownBranch, "block"> | undefined {
  try {
    return readBranchState(files, path).state;
  } catch (error) {
    if (error instanceof ServerError) return undefined;
    throw error;
  }
}

/** Generations are counted from 1. */
function firstGeneration(block: number): number {
  return Math.max(1, block * GENERATIONS_PER_BLOCK);
}

/** Durable; its length in pages. */
async function writeImage(
  files: BranchFiles,
  path: string,
  image: AsyncIterable<Uint8Array>,
): Promise<number> {
  const file = files.open(path, "create");
  try {
    let length = 0;
    for await (const piece of image) {
      file.write(piece, length);
      length += piece.length;
    }
    if (length % PAGE_SIZE !== 0) throw new RangeError("The last page of the image is cut off.");
    await file.syncMeanwhile();
    return length / PAGE_SIZE;
  } finally {
    file.close();
  }
}
