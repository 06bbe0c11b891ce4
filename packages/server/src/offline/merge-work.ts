/** What a worker is to merge into a database: plain data. */
export interface MergeWork {
  /** Of the branch. */
  readonly directory: string;
  /** The transactions behind `after` up to `upTo`: positions of the branch, whose frames are durable. */
  readonly after: number;
  readonly upTo: number;
  /** Its row of `turso_sync_last_change_id`, which is set to `(branch, 0, upTo)` in the same transaction. */
  readonly clientId: string;
  /** The revision whose rows are those of the branch at `after`; undefined where there is none. */
  readonly equalTo: string | undefined;
  /** Whether nothing may be merged unless that is the newest revision: strict mode. */
  readonly onlyIfEqual: boolean;
  /** Whether the whole image is to be checked by SQLite first, because nothing else shows that the frames fit to each other. */
  readonly checkAll: boolean;
}

/** What came of it. */
export type MergeOutcome =
  /**
   * Durable. `wasEqual`: nobody else had written, and all was taken as it was, so that the rows of the database at `revision`,
   * which this merge made, are those of the branch. That is not the newest revision any more where others have written since.
   * `refused`: changes that the database did not take; they are kept in `tributary_refused`.
   */
  | {
      readonly type: "merged";
      readonly wasEqual: boolean;
      /** Undefined where it could not be told, and then `wasEqual` is false. */
      readonly revision: string | undefined;
      readonly changes: number;
      readonly refused: number;
    }
  /** Others have written, and `onlyIfEqual`. Nothing was changed. */
  | { readonly type: "moved" }
  /** The frames do not make an intact database. Nothing was changed. */
  | { readonly type: "damaged"; readonly problem: string };

/**
 * Merges, in a worker. Rejects with `ServerError`, or as `SqlStream.run` does: whether it was merged is then told by
 * `readMergedPosition`.
 */
export type MergeFrames = (work: MergeWork) => Promise<MergeOutcome>;
