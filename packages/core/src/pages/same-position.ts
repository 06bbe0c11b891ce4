import type { WalPosition } from "../ports/replica-pages.js";
import { sameSalts } from "../sqlite-format/wal-header.js";

/** Whether two places are the same one of the same generation of a log; `undefined`: a log without a commit. */
export function samePosition(left: WalPosition | undefined, right: WalPosition | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return sameSalts(left, right) && left.frames === right.frames;
}
