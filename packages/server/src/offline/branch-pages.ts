import { join } from "node:path";
import type { BranchFile, BranchFiles } from "./branch-files.js";
import { BranchFrames } from "./branch-frames.js";
import { BranchIndex } from "./branch-index.js";

/** The image that a branch began with, or that frames were folded into: a database file. */
export const BASE_NAME = "base.db";
/** See {@link BranchFrames}. */
export const FRAMES_NAME = "frames";

/** The image of a branch, the frames behind it, and which of them have which page. */
export interface BranchPages {
  readonly baseFile: BranchFile;
  readonly frames: BranchFrames;
  readonly index: BranchIndex;
}

/**
 * Opens the files and reads the heads of all frames up to a position. `known`: what was read of them before, as far as they are
 * the same; it is taken over. Throws `ServerError` "branch-damaged", or an error of Node.
 */
export function openBranchPages(
  files: BranchFiles,
  directory: string,
  mode: "read" | "write",
  upTo: number,
  known?: BranchIndex,
): BranchPages {
  const frames = BranchFrames.open(files, join(directory, FRAMES_NAME), mode);
  try {
    const isKnown = known?.base === frames.base && known.end <= upTo;
    const index = isKnown ? known : new BranchIndex(frames.base, frames.basePages);
    for (const head of frames.heads(index.end, upTo)) index.add(head);
    return { baseFile: files.open(join(directory, BASE_NAME), "read"), frames, index };
  } catch (error) {
    frames.close();
    throw error;
  }
}

export function closeBranchPages({ baseFile, frames }: BranchPages): void {
  baseFile.close();
  frames.close();
}
