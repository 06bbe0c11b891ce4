import { type DatabaseImage, FRAME_HEADER_SIZE, FRAME_SIZE } from "@tributary/core";
import { ServerError } from "../server-error.js";
import type { Branch, BranchFrame, BranchGeneration, FrameOrigin } from "./branch.js";
import type { BranchFiles } from "./branch-files.js";
import { foldFramesMeanwhile } from "./branch-fold.js";
import { imageOfBranch } from "./branch-image.js";
import { type BranchPages, closeBranchPages, openBranchPages } from "./branch-pages.js";
import { baseOf, recoverBranch } from "./branch-recovery.js";
import type { BranchState } from "./branch-state.js";
import type { BranchStateFiles } from "./branch-state-files.js";
import { GENERATIONS_PER_BLOCK } from "./branch-store.js";
import { checkRunningChain } from "./running-chain.js";
import type { Standing } from "./standing.js";

/** Use is noted on the disk this often, ms. */
const USE_NOTED_MS = 3_600_000;

/** Options of {@link FileBranch}. */
export interface FileBranchOptions {
  readonly files: BranchFiles;
  readonly directory: string;
  readonly mergedPosition: (era: number) => number | undefined;
  readonly onClose: () => void;
}

/**
 * A branch in a directory:
 *
 *     base.db             the image: pages, as in a database file (`branch-fold.ts` says how it moves on)
 *     frames              the frames behind it (`branch-frames.ts`)
 *     state.json          all else (`branch-state.ts`), as of the last durable step
 *     state-latest.json   the same as of the last step
 */
export class FileBranch implements Branch {
  readonly directory: string;
  readonly #files: BranchFiles;
  readonly #saved: BranchStateFiles;
  readonly #onClose: () => void;
  #pages: BranchPages;
  #usedAt: number;
  /** Frames up to here are on the disk. */
  #synced: number;
  #isClosed = false;

  /** Opens it as a crash may have left it. Throws `ServerError` "branch-damaged", or an error of Node. */
  constructor({ files, directory, mergedPosition, onClose }: FileBranchOptions) {
    const { saved, pages } = recoverBranch(files, directory, mergedPosition);
    this.directory = directory;
    this.#files = files;
    this.#saved = saved;
    this.#onClose = onClose;
    this.#pages = pages;
    this.#usedAt = saved.state.usedAt;
    // They may be in the cache of the system only: whoever opened them before was perhaps killed.
    this.#synced = pages.index.base;
  }

  get block(): number {
    return this.#state.block;
  }

  get device(): string | undefined {
    return this.#state.device;
  }

  get createdAt(): number {
    return this.#state.createdAt;
  }

  get usedAt(): number {
    return this.#usedAt;
  }

  get era(): number {
    return this.#state.era;
  }

  get generations(): readonly BranchGeneration[] {
    return this.#state.generations;
  }

  get base(): number {
    return baseOf(this.#state);
  }

  get confirmed(): number {
    return this.#state.confirmed;
  }

  get head(): number {
    return this.#state.head;
  }

  get stagedEnd(): number {
    return this.#pages.index.end;
  }

  get standing(): Standing {
    return this.#state.standing;
  }

  /** Notes that it is in use at that time, ms since 1970. */
  use(now: number): void {
    const { usedAt, createdAt } = this.#state;
    // Never that at which it was made, which says that it was not used.
    this.#usedAt = Math.max(now, createdAt + 1);
    // One that was never used is deleted earlier: that it was is noted at once.
    if (usedAt === createdAt || now - usedAt >= USE_NOTED_MS) this.#saved.note({ usedAt: this.#usedAt });
  }

  readFrames(after: number, upTo: number): Uint8Array {
    this.#checkRange(after, upTo);
    const frames = new Uint8Array((upTo - after) * FRAME_SIZE);
    for (const { position, bytes } of this.#pages.frames.frames(after, upTo)) {
      const at = (position - after - 1) * FRAME_SIZE;
      frames.set(bytes, at);
      frames.fill(0, at + 8, at + FRAME_HEADER_SIZE);
    }
    return frames;
  }

  frameAt(position: number): BranchFrame {
    return this.#pages.index.frameAt(position);
  }

  imageAt(position: number): DatabaseImage {
    this.#checkRange(position, position);
    return imageOfBranch(this.#pages, position);
  }

  pagesBetween(after: number, upTo: number): ReadonlySet<number> {
    this.#checkRange(after, upTo);
    return this.#pages.index.pagesBetween(after, upTo);
  }

  checkChain(position: number, pushed: Uint8Array): "intact" | "broken" | "unknown" {
    this.#checkRange(position - 1, position - 1);
    const { frames, index } = this.#pages;
    const past = {
      isShared: this.block === 0,
      startsGeneration: (at: number) => this.generations.some(({ start }) => start === at),
      framesBack: (upTo: number) => frames.framesBack(upTo, index.base),
    };
    return checkRunningChain(past, position, pushed);
  }

  stage(frames: Uint8Array, origin: FrameOrigin): void {
    const added = headsOf(frames, origin);
    this.#pages.frames.write(this.stagedEnd, frames, origin);
    for (const frame of added) this.#pages.index.add(frame);
  }

  unstage(position: number = this.head): void {
    if (position < this.head) throw new RangeError(`Frame ${position} is not staged: it is committed.`);
    if (position >= this.stagedEnd) return;
    this.#cut(position);
  }

  prepare(upTo: number): void {
    this.#checkRange(this.head, upTo);
    if (upTo <= this.#synced) return;
    this.#pages.frames.sync();
    this.#synced = this.stagedEnd;
  }

  commit(upTo: number, standing: Standing): void {
    const { head } = this;
    this.#checkRange(head, upTo);
    this.#checkTransactionEnd(upTo);
    this.prepare(upTo);
    if (this.#pages.index.hasOrigin("server", head, upTo)) this.#saved.save({ head: upTo, standing });
    else this.#saved.note({ head: upTo, standing });
  }

  rewind(to: number, standing: Standing): void {
    const { head, era, generations } = this;
    this.#checkRange(to, head);
    this.#checkTransactionEnd(to);
    const forgetsReplicas = this.#pages.index.hasOrigin("replica", to, head);
    this.#saved.save({
      head: to,
      confirmed: Math.min(this.confirmed, to),
      era: forgetsReplicas ? era + 1 : era,
      rewinds: this.#state.rewinds + 1,
      generations: generations.filter(({ start }, index) => index === 0 || start <= to),
      standing,
    });
    this.#cut(to);
  }

  confirm(position: number): void {
    if (position > this.head) throw new RangeError(`Frame ${position} is not committed.`);
    if (position > this.confirmed) this.#saved.note({ confirmed: position });
  }

  setStanding(standing: Standing): void {
    this.#saved.note({ standing });
  }

  addGeneration(): BranchGeneration | undefined {
    const newest = this.generations.at(-1) as BranchGeneration;
    const generation = newest.generation + 1;
    if (generation % GENERATIONS_PER_BLOCK === 0) return undefined;
    const added = { generation, start: this.head };
    this.#saved.save({ generations: [...this.generations, added] });
    return added;
  }

  dropGeneration(): void {
    if (this.generations.length > 1) this.#saved.save({ generations: this.generations.slice(0, -1) });
  }

  async fold(upTo: number): Promise<void> {
    const kept = this.generations.filter(({ start }) => start >= upTo);
    if (kept[0]?.start !== upTo) throw new RangeError(`No generation begins at frame ${upTo}.`);
    if (upTo <= this.#pages.index.base) return;
    // What lies before it is not to be relied on from here on.
    this.#saved.save({ generations: kept });
    const { stagedEnd } = this;
    await foldFramesMeanwhile(this.#files, this.directory, this.#pages, upTo);
    // The next opening finds it as it is now.
    if (this.#isClosed) throw new ServerError("closed", "the database is closed");
    const folded = openBranchPages(this.#files, this.directory, "write", stagedEnd);
    closeBranchPages(this.#pages);
    this.#pages = folded;
    this.#synced = stagedEnd;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#usedAt !== this.#state.usedAt) this.#saved.note({ usedAt: this.#usedAt });
    this.#saved.close();
    closeBranchPages(this.#pages);
    this.#onClose();
  }

  get #state(): BranchState {
    return this.#saved.state;
  }

  /** What remains in the file where cutting it fails lies behind `head`: it is written over, or forgotten at the next opening. */
  #cut(position: number): void {
    this.#saved.settle();
    this.#pages.index.cut(position);
    this.#synced = Math.min(this.#synced, position);
    this.#pages.frames.cut(position);
  }

  #checkRange(after: number, upTo: number): void {
    if (!(after >= this.base && after <= upTo && upTo <= this.stagedEnd))
      throw new RangeError(
        `There are no frames from ${after} to ${upTo}: the branch has those from ${this.base} to ${this.stagedEnd}.`,
      );
  }

  #checkTransactionEnd(position: number): void {
    if (!this.#pages.index.endsTransaction(position))
      throw new RangeError(`No transaction ends at frame ${position}.`);
  }
}

/** Throws `RangeError` unless they are whole frames of pages. */
function headsOf(frames: Uint8Array, origin: FrameOrigin): readonly BranchFrame[] {
  if (frames.length % FRAME_SIZE !== 0) throw new RangeError("The last frame is cut off.");
  const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
  return Array.from({ length: frames.length / FRAME_SIZE }, (_, index) => {
    const pageNumber = view.getUint32(index * FRAME_SIZE);
    if (pageNumber === 0) throw new RangeError("Pages are counted from 1.");
    return { pageNumber, databaseSize: view.getUint32(index * FRAME_SIZE + 4), origin };
  });
}
