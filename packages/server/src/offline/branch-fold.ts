import { join } from "node:path";
import { PAGE_SIZE } from "@tributary/core";
import type { BranchFile, BranchFiles } from "./branch-files.js";
import { BranchFrames } from "./branch-frames.js";
import { imageOfBranch } from "./branch-image.js";
import { BASE_NAME, type BranchPages, FRAMES_NAME } from "./branch-pages.js";

/** Pages between two looks at whether others wait: 256 KiB, about a millisecond. */
const PIECE_PAGES = 64;

/** What a fold waits for before it goes on: that a file is on the disk; undefined: that others have had their turn. */
type FoldStep = BranchFile | undefined;

/**
 * Moves frames up to a position into the image and cuts them off: the newest one of each page, as SQLite's checkpoint does.
 * The files are to be opened anew after it. Durable when it returns; whatever it stopped at, it may be repeated, and images as
 * of that position or a later one are the same before, during and after. Throws what reading a frame throws, or an error of
 * Node.
 */
export function foldFrames(files: BranchFiles, directory: string, pages: BranchPages, upTo: number): void {
  for (const file of foldSteps(files, directory, pages, upTo)) file?.sync();
}

/** The same while other things go on: a generation may have as many frames as the database has pages. */
export async function foldFramesMeanwhile(
  files: BranchFiles,
  directory: string,
  pages: BranchPages,
  upTo: number,
): Promise<void> {
  for (const file of foldSteps(files, directory, pages, upTo)) {
    if (file === undefined) await new Promise(setImmediate);
    else await file.syncMeanwhile();
  }
}

function* foldSteps(
  files: BranchFiles,
  directory: string,
  pages: BranchPages,
  upTo: number,
): Generator<FoldStep, void, void> {
  const { frames, index } = pages;
  const size = index.sizeAt(upTo);
  yield* writeImage(files, join(directory, BASE_NAME), pages, upTo);
  const path = join(directory, FRAMES_NAME);
  const next = `${path}.new`;
  const kept = BranchFrames.create(files, next, { block: frames.block, base: upTo, basePages: size });
  try {
    for (const { position, bytes, origin } of frames.frames(upTo, index.end)) {
      kept.write(position - 1, bytes, origin);
      if (position % PIECE_PAGES === 0) yield undefined;
    }
    kept.sync();
  } finally {
    kept.close();
  }
  files.rename(next, path);
  files.syncDirectory(directory);
}

function* writeImage(
  files: BranchFiles,
  path: string,
  pages: BranchPages,
  upTo: number,
): Generator<FoldStep, void, void> {
  const { index } = pages;
  const { size, readPage } = imageOfBranch(pages, upTo);
  const pageNumbers = index.pagesBetween(index.base, upTo);
  // Of a page that was cut off and came back, the image must not keep what it was before.
  for (let page = (index.smallestCut(index.base, upTo) ?? size) + 1; page <= size; page++)
    pageNumbers.add(page);
  const file = files.open(path, "write");
  try {
    let written = 0;
    for (const pageNumber of Uint32Array.from(pageNumbers).sort()) {
      if (pageNumber > size) break;
      file.write(readPage(pageNumber), (pageNumber - 1) * PAGE_SIZE);
      written += 1;
      if (written % PIECE_PAGES === 0) yield undefined;
    }
    file.setSize(size * PAGE_SIZE);
    yield file;
  } finally {
    file.close();
  }
}
