import { SyncError } from "../errors/sync-error.js";
import type { TakenChanges } from "../takeover/taken-changes.js";
import type { Leftovers } from "./find-leftovers.js";

/** What has come of taking over a libSQL replica. */
export interface TakeoverOutcome {
  readonly leftovers: Leftovers;
  /** Frames that the remote had; `undefined`: that was not known. */
  readonly durable: number | undefined;
  readonly taken: TakenChanges;
  readonly rebuilt: { readonly keptAs: string; readonly changes: number };
  /** Guessed changes that had to make way. */
  readonly notTaken: number;
  /** Rows that the remote does not have, of which nothing tells whether they were written here or deleted there. */
  readonly untold: number;
}

/** What `recovered` says of it, for people. */
export function takeoverNotice(
  path: string,
  { leftovers, durable, taken, rebuilt, notTaken, untold }: TakeoverOutcome,
): SyncError {
  const { changes, keptAs } = rebuilt;
  const how =
    durable === undefined
      ? `${whyUnknown(leftovers)}, so what the remote did not have was taken for local changes (${changes}), also what others may have deleted there; rows that it has otherwise were left as they are there${notTaken > 0 ? `, as were ${notTaken} that did not fit beside them` : ""}.`
      : `What had not been pushed are local changes now (${changes}).`;
  const message = [
    `${path} was a replica of libSQL's client, and was taken over. ${how}`,
    ...(untold > 0 ? [untoldText(untold)] : []),
    ...taken.left,
    `Its files are kept under names that begin with ${keptAs}.`,
  ].join(" ");
  const isIntact = durable !== undefined && leftovers.file?.type === "known" && !leftovers.file.mended;
  return new SyncError(isIntact ? "not-a-replica" : "damaged-metadata", message, { path });
}

function untoldText(untold: number): string {
  return `${untold} rows in it that the remote does not have were not taken: either others have deleted them there, or another program has emptied its log before they were pushed. If they are missing, take them from the files that are kept.`;
}

function whyUnknown({ file }: Leftovers): string {
  if (file === undefined) return "Its metadata file was missing";
  return file.type === "known"
    ? "Another program had emptied its log"
    : "Its metadata file did not say what had been pushed";
}
