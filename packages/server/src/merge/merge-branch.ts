import type { Connection } from "../database/open-connection.js";
import type { MergeWork } from "../offline/merge-work.js";
import type { BranchDifference } from "./branch-difference.js";
import { BranchMerger } from "./branch-merger.js";
import { TransactionLost } from "./merge-target.js";

/** What a merge has done. */
export interface MergeCount {
  /** Changes of rows that the database has taken. */
  readonly changes: number;
  /** Those that it has not. */
  readonly refused: number;
  /** Whether all was taken as it was. */
  readonly isExact: boolean;
}

/** Where and how images are merged. */
export interface BranchMerge {
  /** For this merge only, without a transaction. */
  readonly connection: Connection;
  readonly difference: BranchDifference;
  readonly work: Pick<MergeWork, "clientId" | "upTo">;
  /** Whether the rows of the database are those of the image before. */
  readonly isEqual: boolean;
  /** To be called between two rows: a promise where others are let on. May throw to end it. */
  readonly giveWay: () => Promise<void> | undefined;
}

/**
 * Begins a write transaction on a connection that is closed after the merge: nothing of its settings is seen by anybody else.
 * What foreign keys would do is among the rows already, and so is what triggers have done. Throws an error of SQLite.
 */
export function beginMerge(connection: Connection): void {
  connection.pragma("foreign_keys = OFF");
  connection.defaultSafeIntegers(true);
  connection.exec("BEGIN IMMEDIATE");
}

/**
 * Repeats on the database, inside the transaction that `beginMerge` began, what led from one image to another, and notes the
 * position. The caller commits, or rolls back if it throws: `ImageDamage`, an error of SQLite, or what `giveWay` throws.
 */
export async function mergeBranch(merge: BranchMerge): Promise<MergeCount> {
  try {
    return await new BranchMerger(merge, false).run();
  } catch (error) {
    if (!(error instanceof TransactionLost)) throw error;
    // A trigger that only the database has does not want it: the push is taken all the same, without that trigger.
    merge.connection.exec("BEGIN IMMEDIATE");
    // Another program may have written in between.
    const count = await new BranchMerger({ ...merge, isEqual: false }, true).run();
    return { ...count, isExact: false };
  }
}
