import type { BranchFiles } from "./branch-files.js";
import { nodeBranchFiles } from "./branch-files-node.js";
import { imageOfBranch } from "./branch-image.js";
import type { BranchIndex } from "./branch-index.js";
import { closeBranchPages, openBranchPages } from "./branch-pages.js";
import { readBranchState } from "./branch-state-files.js";
import type { MergeImages } from "./branch-store.js";

/** Branches of which it is remembered where their pages are. */
const MOST_REMEMBERED = 8;

/** Of branches that this process has merged last, by directory: the newest one last. */
const remembered = new Map<string, { readonly life: string; readonly index: BranchIndex }>();

/**
 * The images of a branch at two positions, read by whoever merges what lies between: in another process than the one that has
 * the branch, which leaves it alone meanwhile. `after`: its head; frames up to `upTo` must have been prepared. Where the pages
 * of a branch are is remembered, so that the next merge of it reads no more than what was added. Throws `ServerError`
 * "branch-damaged", or an error of Node.
 */
export function openMergeImages(
  directory: string,
  after: number,
  upTo: number,
  files: BranchFiles = nodeBranchFiles,
): MergeImages {
  const { block, createdAt, rewinds } = readBranchState(files, directory).state;
  // Frames up to the head are what they were as long as these are.
  const life = `${block} ${createdAt} ${rewinds}`;
  const known = remembered.get(directory);
  remembered.delete(directory);
  known?.index.cut(after);
  const pages = openBranchPages(
    files,
    directory,
    "read",
    upTo,
    known?.life === life ? known.index : undefined,
  );
  return {
    before: imageOfBranch(pages, after),
    after: imageOfBranch(pages, upTo),
    changedPages: pages.index.pagesBetween(after, upTo),
    close() {
      closeBranchPages(pages);
      // What was merged may yet be taken back.
      pages.index.cut(after);
      remembered.set(directory, { life, index: pages.index });
      const [oldest] = remembered.keys();
      if (remembered.size > MOST_REMEMBERED) remembered.delete(oldest as string);
    },
  };
}
