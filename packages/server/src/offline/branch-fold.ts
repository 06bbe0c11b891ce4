import { join } from "node:path";
import { PAGE_SIZE } from "@tributary/core";
import type { BranchFiles } from "./branch-files.js";
import { BranchFrames } from "./branch-frames.js";
import { imageOfBranch } from "./branch-image.js";
import { BASE_NAME, type BranchPages, FRAMES_NAME } from "./branch-pages.js";

/**
 * Moves frames up to a position into the image and cuts them off: the newest one of each page, as SQLite's checkpoint does.
 * The files are to be opened anew after it. Durable when it returns; whatever it stopped at, it may be repeated, and images as
 * of that position or a later one are the same before, during and after. Throws what reading a frame throws, or an error of
 * Node.
 */
export function foldFrames(files: BranchFiles, directory: string, pages: BranchPages, upTo: number): void {
  const { frames, index } = pages;
  const size = index.sizeAt(upTo);
  writeImage(files, join(directory, BASE_NAME), pages, upTo);
  const path = join(directory, FRAMES_NAME);
  const next = `${path}.new`;
  const kept = BranchFrames.create(files, next, { block: frames.block, base: upTo, basePages: size });
  try {
    for (const { position, bytes, origin } of frames.frames(upTo, index.end))
      kept.write(position - 1, bytes, origin);
    kept.sync();
  } finally {
    kept.close();
  }
  files.rename(next, path);
  files.syncDirectory(directory);
}

function writeImage(files: BranchFiles, path: string, pages: BranchPages, upTo: number): void {
  const { index } = pages;
  const { size, readPage } = imageOfBranch(pages, upTo);
  const pageNumbers = index.pagesBetween(index.base, upTo);
  // Of a page that was cut off and came back, the image must not keep what it was before.
  for (let page = (index.smallestCut(index.base, upTo) ?? size) + 1; page <= size; page++)
    pageNumbers.add(page);
  const file = files.open(path, "write");
  try {
    for (const pageNumber of Uint32Array.from(pageNumbers).sort()) {
      if (pageNumber > size) break;
      file.write(readPage(pageNumber), (pageNumber - 1) * PAGE_SIZE);
    }
    file.setSize(size * PAGE_SIZE);
    file.sync();
  } finally {
    file.close();
  }
}
