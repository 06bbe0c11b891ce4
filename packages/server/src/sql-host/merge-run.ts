import { join } from "node:path";
import { ImageDamage } from "@tributary/core";
import { type Connection, openConnection } from "../database/open-connection.js";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import { BranchDifference } from "../merge/branch-difference.js";
import { checkImage } from "../merge/check-image.js";
import { beginMerge, mergeBranch } from "../merge/merge-branch.js";
import type { MergeImages } from "../offline/branch-store.js";
import type { MergeOutcome, MergeWork } from "../offline/merge-work.js";
import { parseRevision } from "../pages/revision.js";
import type { ServerClock } from "../server-clock.js";
import { isLockWait, SqlError } from "../sql/sql-error.js";
import type { RevisionQuestion } from "./revision-question.js";
import { TimeSlice } from "./time-slice.js";
import type { WritePermit } from "./write-permit.js";

/** Options of {@link MergeRun}. */
export interface MergeRunOptions {
  readonly path: string;
  readonly walLimitBytes: number;
  readonly lockTimeoutMs: number;
  readonly permit: WritePermit;
  readonly question: RevisionQuestion;
  readonly clock: ServerClock;
  readonly openImages: (directory: string, after: number, upTo: number) => MergeImages;
  /** A write transaction has ended. */
  readonly onCommitted: () => void;
  /** No statement is running. */
  readonly onAlive: () => void;
}

/** How often it is tried again while another program holds the lock, ms. */
const RETRY_MS = 20;
/** In the branch's directory: the image that is checked. */
const CHECKED_IMAGE = "checked-image.db";

/**
 * One merge of a branch into the database of a stream, on a connection of its own, which ends with it: its settings and
 * what it does behind the backs of virtual tables are nobody else's.
 *
 * Whether others have written is decided under SQLite's write lock: the main thread is asked for the newest revision when the
 * transaction has begun, so not even another program can commit between the question and the merge. After the commit it is
 * asked again, while no other stream may write: only if just one revision has come, this one, nobody was in between.
 */
export class MergeRun {
  readonly #options: MergeRunOptions;
  #connection: Connection | undefined;
  #abortion: Error | undefined;

  constructor(options: MergeRunOptions) {
    this.#options = options;
  }

  /** Rejects as `MergeFrames` does. */
  async run(work: MergeWork): Promise<MergeOutcome> {
    const { path, walLimitBytes, permit, openImages, onAlive } = this.#options;
    const slice = new TimeSlice(onAlive);
    const giveWay = (): Promise<void> | undefined => slice.giveWay()?.then(() => this.#assertGoingOn());
    let images: MergeImages | undefined;
    try {
      images = openImages(work.directory, work.after, work.upTo);
      if (work.checkAll) {
        const problem = await checkImage(images.after, join(work.directory, CHECKED_IMAGE), giveWay);
        if (problem !== undefined) return { type: "damaged", problem };
      }
      const difference = new BranchDifference(images);
      this.#connection = openConnection(path, walLimitBytes);
      return await this.#merge(this.#connection, difference, work, giveWay);
    } catch (error) {
      if (error instanceof ImageDamage) return { type: "damaged", problem: error.message };
      if (!(error instanceof SqlError)) throw error;
      throw new HranaRequestError(error.message, { code: error.code, status: 503, cause: error });
    } finally {
      this.#connection?.close();
      this.#connection = undefined;
      images?.close();
      permit.release();
    }
  }

  /** Rolls back at once, and makes `run` reject. What is committed stays. */
  abort(message: string, code: string): void {
    this.#abortion ??= new HranaRequestError(message, { code, status: 503 });
    if (this.#connection?.inTransaction === true) this.#connection.exec("ROLLBACK");
  }

  async #merge(
    connection: Connection,
    difference: BranchDifference,
    work: MergeWork,
    giveWay: () => Promise<void> | undefined,
  ): Promise<MergeOutcome> {
    const { permit, question, clock, lockTimeoutMs, onCommitted } = this.#options;
    const deadline = clock.now() + lockTimeoutMs;
    await permit.acquire();
    await this.#begin(connection, deadline);
    const found = await question.ask();
    this.#assertGoingOn();
    const isEqual = found !== undefined && found === work.equalTo;
    if (!isEqual && work.onlyIfEqual) return { type: "moved" };
    const { changes, refused, isExact } = await mergeBranch({
      connection,
      difference,
      work,
      isEqual,
      giveWay,
    });
    this.#assertGoingOn();
    connection.exec("COMMIT");
    onCommitted();
    const made = await question.ask();
    const revision = isNext(found, made) ? made : undefined;
    const wasEqual = isEqual && isExact && revision !== undefined;
    return { type: "merged", wasEqual, revision, changes, refused };
  }

  /** Other streams are out of the way: what holds the lock now is another program. */
  async #begin(connection: Connection, deadline: number): Promise<void> {
    const { clock, onAlive } = this.#options;
    for (;;) {
      this.#assertGoingOn();
      try {
        beginMerge(connection);
        return;
      } catch (error) {
        if (!isLockWait(error)) throw error;
        if (clock.now() >= deadline) throw new SqlError("SQLITE_BUSY", "SQLite error: database is locked");
      }
      onAlive();
      await new Promise<void>((resolve) => void clock.startTimer(RETRY_MS, resolve));
    }
  }

  #assertGoingOn(): void {
    if (this.#abortion !== undefined) throw this.#abortion;
  }
}

/** Whether a revision is the very next one. */
function isNext(before: string | undefined, after: string | undefined): boolean {
  const [old, made] = [parseRevision(before ?? ""), parseRevision(after ?? "")];
  return old !== undefined && made !== undefined && made.sequence === old.sequence + 1;
}
