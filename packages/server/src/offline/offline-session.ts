import type { ServerDatabase } from "../database/server-database.js";
import { RequestError } from "../http/request-error.js";
import type { Branch, BranchGeneration } from "./branch.js";
import { mergeClientId } from "./merge-client-id.js";
import type { FrameRange } from "./offline-replicas.js";

/** Frames of a transaction whose end has not come yet: staged in the branch, and lost with the process. */
export interface PushTail {
  /** Whoever shows it goes on behind them. */
  readonly baton: string;
  readonly generation: number;
  /** Whether some of them could not be shown to belong together. */
  readonly isUnchecked: boolean;
  /** When the last of them came, ms on the clock of the server. */
  readonly at: number;
}

/** For how long the next batch of a transaction is expected, however slow the network is, ms. */
const PUSH_KEPT_MS = 300_000;

/** One branch while it is in use: what is known beside what it keeps. */
export class OfflineSession {
  readonly branch: Branch;
  readonly database: ServerDatabase;
  /** All replicas have this branch in common, and frames of others are not merged. */
  readonly isStrict: boolean;
  tail: PushTail | undefined;
  /** Up to where a merge was under way when it failed: it may have been committed all the same. */
  doubt: number | undefined;
  /** How many downloads of its image are under way. */
  readers = 0;
  readonly #mergedPosition: (clientId: string) => number | undefined;

  /** `mergedPosition` tells how far frames were merged, once no merge can be under way any more; throws while one may be. */
  constructor(
    branch: Branch,
    database: ServerDatabase,
    mergedPosition: (clientId: string) => number | undefined,
  ) {
    this.branch = branch;
    this.database = database;
    this.isStrict = branch.block === 0;
    this.#mergedPosition = mergedPosition;
  }

  /** Whether something is kept here that the branch itself does not keep, or somebody reads it. */
  get isNeeded(): boolean {
    return this.#isPushed || this.doubt !== undefined || this.readers > 0;
  }

  /** Whether a push is under way. One that broke off is sent again from its start. */
  get #isPushed(): boolean {
    return this.tail !== undefined && this.database.clock.now() - this.tail.at < PUSH_KEPT_MS;
  }

  /** By what name the database knows how far the branch was merged. */
  get clientId(): string {
    return mergeClientId(this.branch, this.branch.era);
  }

  /**
   * Finds out what became of a merge that failed; true if it was committed. Throws `ServerError` where that cannot be told
   * yet: it stays in doubt then.
   */
  settle(): boolean {
    const { branch, doubt } = this;
    if (doubt === undefined) return false;
    const isMerged = this.#mergedPosition(this.clientId) === doubt;
    if (isMerged) branch.commit(doubt, { ...branch.standing, equalTo: undefined, offered: undefined });
    this.doubt = undefined;
    this.dropTail();
    return isMerged;
  }

  dropTail(): void {
    this.tail = undefined;
    if (this.branch.stagedEnd > this.branch.head) this.branch.unstage();
  }

  /** Notes that the replica has all that there is up to `head`. */
  confirmHead(): void {
    const { branch, isStrict } = this;
    if (isStrict) return;
    if (branch.standing.offered !== undefined) branch.setStanding({ ...branch.standing, offered: undefined });
    if (branch.confirmed < branch.head) branch.confirm(branch.head);
  }

  /** A replica that asks in a generation is done with those before. */
  async foldUpTo(generation: number): Promise<void> {
    const { branch, isStrict } = this;
    const start = this.startOf(generation);
    if (isStrict || start <= branch.base) return;
    const { standing } = branch;
    // Which pages the frames hold that go now, nobody can tell afterwards: all are compared, the next time that others write.
    if (standing.compared !== undefined && standing.compared.position < start)
      branch.setStanding({ ...standing, compared: undefined });
    await branch.fold(start);
  }

  /** The position of frame 0 of a generation. Throws `RequestError` 404. */
  startOf(generation: number): number {
    const found = this.branch.generations.find((entry) => entry.generation === generation);
    if (found !== undefined) return found.start;
    throw unknownGeneration(generation);
  }

  /** The positions that a range means: those behind `after`, up to `upTo`. Throws `RequestError` 404. */
  positionsOf({ generation, start, end }: FrameRange): { after: number; upTo: number } {
    const base = this.startOf(generation);
    return { after: base + start - 1, upTo: base + end - 1 };
  }

  get newestGeneration(): number {
    return this.#newest.generation;
  }

  /** Where it begins. */
  get newestStart(): number {
    return this.#newest.start;
  }

  get #newest(): BranchGeneration {
    return this.branch.generations.at(-1) as BranchGeneration;
  }
}

/** What a replica is told whose generation is nobody's. */
export function unknownGeneration(generation: number): RequestError {
  return new RequestError(
    404,
    `the server has no offline replica with generation ${generation} (any more): what it has not pushed is in its file ` +
      "only. Keep a copy of the file, delete it together with its -info, -wal and -shm, and open it again",
  );
}
