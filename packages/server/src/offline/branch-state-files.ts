import { join } from "node:path";
import { branchDamage } from "./branch-damage.js";
import type { BranchFile, BranchFiles } from "./branch-files.js";
import { type BranchState, formatBranchState, type NumberedState, parseBranchState } from "./branch-state.js";

const DURABLE_NAME = "state.json";
const LATEST_NAME = "state-latest.json";

/**
 * The state of a branch, in two files that never say different things for long: `state.json`, replaced as a whole and brought
 * to the disk, and `state-latest.json`, written over without waiting, which a power cut may spoil. The newer one that is
 * whole counts, so the end of the process loses nothing, a power cut nothing that was saved durably, and a damage to one of
 * them little or nothing.
 */
export class BranchStateFiles {
  readonly #files: BranchFiles;
  readonly #directory: string;
  readonly #latest: BranchFile;
  #number: number;
  #state: BranchState;
  /** Whether the files may say what was never the case, because a save has failed. */
  #isInDoubt = false;

  /** For a branch that is there. Makes both files whole. Throws an error of Node. */
  constructor(files: BranchFiles, directory: string, found: FoundState) {
    this.#files = files;
    this.#directory = directory;
    this.#number = found.number + 1;
    this.#state = found.state;
    if (!found.isDurable) replaceDurably(files, directory, this.#saved);
    const isThere = files.list(directory).includes(LATEST_NAME);
    this.#latest = files.open(join(directory, LATEST_NAME), isThere ? "write" : "create");
    this.#writeLatest();
  }

  get state(): BranchState {
    return this.#state;
  }

  /** Survives a power cut. Throws an error of Node; then the state is as before. */
  save(change: Partial<BranchState>): void {
    const before = this.#state;
    this.#count(change);
    try {
      replaceDurably(this.#files, this.#directory, this.#saved);
      this.#writeLatest();
      this.#isInDoubt = false;
    } catch (error) {
      this.#state = before;
      this.#isInDoubt = true;
      throw error;
    }
  }

  /**
   * Survives the end of the process, as a rule: for what can be found out again, or does no harm if it is lost. So it is none
   * if it cannot be written: the next `save` or `settle` makes up for it, or throws.
   */
  note(change: Partial<BranchState>): void {
    this.#count(change);
    try {
      this.#writeLatest();
    } catch {
      this.#isInDoubt = true;
    }
  }

  /** To be called before frames are cut off: a failed save may have left the files saying that these are needed. */
  settle(): void {
    if (this.#isInDoubt) this.save({});
  }

  close(): void {
    this.#latest.close();
  }

  get #saved(): NumberedState {
    return { number: this.#number, state: this.#state };
  }

  /** Each state has a number of its own, saved or not: what a failed save left behind is older than the next one. */
  #count(change: Partial<BranchState>): void {
    this.#number += 1;
    this.#state = { ...this.#state, ...change };
  }

  #writeLatest(): void {
    const bytes = formatBranchState(this.#saved);
    this.#latest.write(bytes, 0);
    this.#latest.setSize(bytes.length);
  }
}

/** The first state of a branch, durable once its directory's name is. */
export function createBranchState(files: BranchFiles, directory: string, state: BranchState): void {
  replaceDurably(files, directory, { number: 1, state });
}

/** What the files of a state say. */
export interface FoundState extends NumberedState {
  /** Whether the durable one is whole. */
  readonly isDurable: boolean;
}

/** The newest state that is whole. Throws `ServerError` "branch-damaged". */
export function readBranchState(files: BranchFiles, directory: string): FoundState {
  const read = (name: string): NumberedState | undefined => {
    const bytes = files.readWhole(join(directory, name));
    return bytes && parseBranchState(bytes);
  };
  const durable = read(DURABLE_NAME);
  const latest = read(LATEST_NAME);
  const newest = (latest?.number ?? 0) > (durable?.number ?? 0) ? latest : durable;
  if (newest === undefined) throw branchDamage("the record of its state cannot be read");
  return { ...newest, isDurable: durable !== undefined };
}

function replaceDurably(files: BranchFiles, directory: string, saved: NumberedState): void {
  const path = join(directory, DURABLE_NAME);
  const next = `${path}.new`;
  const file = files.open(next, "create");
  try {
    file.write(formatBranchState(saved), 0);
    file.sync();
  } finally {
    file.close();
  }
  files.rename(next, path);
  files.syncDirectory(directory);
}
