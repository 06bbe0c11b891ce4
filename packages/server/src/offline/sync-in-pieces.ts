import type { Branch } from "./branch.js";

/** 4 MiB. */
const PIECE_FRAMES = 1_024;

/**
 * Makes what is staged durable every so many frames, after some were added: all of a long transaction at once, at its end, would
 * hold up everybody else for as long as the disk takes.
 */
export function syncInPieces(branch: Branch, added: number): void {
  const { stagedEnd } = branch;
  if (Math.floor(stagedEnd / PIECE_FRAMES) > Math.floor((stagedEnd - added) / PIECE_FRAMES))
    branch.prepare(stagedEnd);
}
