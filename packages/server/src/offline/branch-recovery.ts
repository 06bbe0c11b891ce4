import { PAGE_SIZE } from "@tributary/core";
import type { BranchGeneration } from "./branch.js";
import { branchDamage } from "./branch-damage.js";
import type { BranchFiles } from "./branch-files.js";
import { foldFrames } from "./branch-fold.js";
import { type BranchPages, closeBranchPages, openBranchPages } from "./branch-pages.js";
import type { BranchState } from "./branch-state.js";
import { BranchStateFiles, readBranchState } from "./branch-state-files.js";

/** The files of a branch, open, with nothing behind `head`. */
export interface RecoveredBranch {
  readonly saved: BranchStateFiles;
  readonly pages: BranchPages;
}

/**
 * Opens a branch as a crash may have left it: frames that were merged are committed, others behind `head` forgotten, and a
 * fold that had begun is carried out. Throws `ServerError` "branch-damaged", or an error of Node.
 */
export function recoverBranch(
  files: BranchFiles,
  directory: string,
  mergedPosition: (era: number) => number | undefined,
): RecoveredBranch {
  const { state, ...found } = readBranchState(files, directory);
  const head = Math.max(state.head, mergedPosition(state.era) ?? 0);
  let pages = openBranchPages(files, directory, "write", head);
  try {
    checkPages(pages, state, head);
    pages.frames.cut(head);
    const base = baseOf(state);
    if (base > pages.frames.base) {
      foldFrames(files, directory, pages, base);
      const folded = openBranchPages(files, directory, "write", head);
      closeBranchPages(pages);
      pages = folded;
    }
    if (pages.baseFile.size() !== pages.frames.basePages * PAGE_SIZE)
      throw branchDamage("the image has another length");
    return {
      saved: new BranchStateFiles(files, directory, { ...found, state: stateAt(state, head) }),
      pages,
    };
  } catch (error) {
    closeBranchPages(pages);
    throw error;
  }
}

function checkPages({ frames, index }: BranchPages, state: BranchState, head: number): void {
  if (frames.block !== state.block) throw branchDamage("its frames are those of another replica");
  if (head > frames.end) throw branchDamage(`frame ${head} is not whole`);
  if (head < index.base || !index.endsTransaction(head))
    throw branchDamage(`no transaction ends at frame ${head}`);
  // What is taken for committed now was never read since it was written.
  frames.check(Math.max(state.head, index.base), head);
}

/** Up to where frames are in the image, once a fold has come to its end. */
export function baseOf({ generations }: Pick<BranchState, "generations">): number {
  return (generations[0] as BranchGeneration).start;
}

/** With frames that were merged, but not noted as committed. Which revision that made, nobody knows any more. */
function stateAt(state: BranchState, head: number): BranchState {
  if (head === state.head) return state;
  const { compared } = state.standing;
  return { ...state, head, confirmed: head, standing: { equalTo: undefined, compared, offered: undefined } };
}
