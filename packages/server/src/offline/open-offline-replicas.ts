import { randomInt } from "node:crypto";
import type { PushAnswer } from "@tributary/wire";
import { runInTurn } from "../database/run-in-turn.js";
import type { ServerDatabase } from "../database/server-database.js";
import { RequestError } from "../http/request-error.js";
import { ServerError } from "../server-error.js";
import { appendDifferences } from "./append-differences.js";
import type { Branch } from "./branch.js";
import { type BranchStore, GENERATIONS_PER_BLOCK } from "./branch-store.js";
import { expiredBranches } from "./expired-branches.js";
import { mergeClientId } from "./merge-client-id.js";
import type { FrameRange, OfflineReplicas, PulledFrames, Push } from "./offline-replicas.js";
import { OfflineSession, unknownGeneration } from "./offline-session.js";
import { openBranchImage, withFirstImage } from "./open-image.js";
import { mayAppend, pullFrames } from "./pull-frames.js";
import { pushFrames } from "./push-frames.js";
import { TurnsByKey } from "./turns-by-key.js";

/** Options of {@link openOfflineReplicas}. */
export interface OfflineReplicasOptions {
  readonly database: ServerDatabase;
  readonly store: BranchStore;
  /**
   * How far the database says that the frames of a client id were merged, once no merge can be under way any more. Throws
   * `ServerError` "database-busy" while one may be.
   */
  readonly mergedPosition: (clientId: string) => number | undefined;
  /** Time of day, ms since 1970. */
  readonly timeOfDay: () => number;
  /** How many frames a generation may have before the next one begins. Default 4 096: 16 MiB of the replica's log. */
  readonly rollFrames?: number;
}

/** The branch of strict mode. */
const STRICT_BLOCK = 0;
/** Blocks are below: generations have 32 bits. */
const BLOCKS = 2 ** 32 / GENERATIONS_PER_BLOCK;
/** In strict mode, the numbers that are left when so many are used are kept for logs that have become long. */
const GENERATIONS_FOR_DOWNLOADS = GENERATIONS_PER_BLOCK / 2;

/** Branches that are kept open: each takes some descriptors, and a few bytes for each of its frames. */
const MAX_OPEN = 32;

/** The offline replicas of a database, on the branches of a store, which it takes over. */
export function openOfflineReplicas(options: OfflineReplicasOptions): OfflineReplicas {
  return new BranchedReplicas(options);
}

class BranchedReplicas implements OfflineReplicas {
  readonly #options: Required<OfflineReplicasOptions>;
  readonly #turns = new TurnsByKey<number>();
  readonly #sessions = new Map<number, OfflineSession>();
  /** How many are being made. */
  #beginning = 0;
  #isClosed = false;

  constructor(options: OfflineReplicasOptions) {
    this.#options = { rollFrames: 4_096, ...options };
  }

  async info(device: string | undefined): Promise<number> {
    this.#assertOpen();
    if (device !== undefined) return this.#freeBlock() * GENERATIONS_PER_BLOCK;
    return this.#turns.run(STRICT_BLOCK, async () => {
      const session = await this.#session(STRICT_BLOCK);
      if (session === undefined) return 1;
      await this.#bringUpToDate(session);
      // A replica that writes before it has pulled what is there already would be in conflict for good. The generation
      // begins when it is downloaded: many only ask.
      return this.#nextForDownload(session) ?? session.newestGeneration;
    });
  }

  async openImage(
    device: string | undefined,
    generation: number,
    onEnd: () => void,
  ): ReturnType<OfflineReplicas["openImage"]> {
    const block = blockOf(generation);
    return this.#turns.run(block, async () => {
      const session = (await this.#session(block)) ?? (await this.#begin(block, device, generation));
      if (session.isStrict && generation === this.#nextForDownload(session)) {
        await this.#bringUpToDate(session);
        session.branch.addGeneration();
      }
      return openBranchImage(session, session.startOf(generation), {
        onTaken: () => this.#noteUse(block),
        onBrokenOff: () => this.#giveUp(block),
        onEnd,
      });
    });
  }

  pull(range: FrameRange): Promise<PulledFrames> {
    return this.#inTurn(range.generation, (session) => pullFrames(session, range, this.#options.rollFrames));
  }

  push(range: FrameRange, push: Push): Promise<PushAnswer> {
    const { maxBodyBytes } = this.#options.database.options;
    return this.#inTurn(range.generation, (session) => pushFrames(session, range, push, maxBodyBytes));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sessions.clear();
    this.#options.store.close();
  }

  #inTurn<T>(generation: number, work: (session: OfflineSession) => Promise<T>): Promise<T> {
    const block = blockOf(generation);
    return this.#turns.run(block, async () => {
      const session = await this.#session(block);
      if (session === undefined) throw unknownGeneration(generation);
      return work(session);
    });
  }

  /** The branch of a block, opened if need be. Rejects with `ServerError`. */
  async #session(block: number): Promise<OfflineSession | undefined> {
    this.#assertOpen();
    const { store, database, mergedPosition } = this.#options;
    const known = this.#sessions.get(block);
    if (known !== undefined) {
      this.#noteUse(block);
      this.#keep(block, known);
      return known;
    }
    const entry = store.list().find((one) => one.block === block);
    if (entry === undefined) return undefined;
    const open = (): Branch | undefined =>
      store.open(block, (era) => mergedPosition(mergeClientId(entry, era)));
    const branch = await runInTurn<Branch | undefined | "busy">(database.writeLock, open, "busy");
    if (branch === "busy")
      throw new ServerError("database-busy", "others have written for too long: try again");
    if (branch === undefined) return undefined;
    this.#assertOpen();
    const session = new OfflineSession(branch, database, mergedPosition);
    this.#keep(block, session);
    return session;
  }

  /** Deletes a branch that was made for a download: who has no file begins with another generation. */
  #giveUp(block: number): void {
    const removed = this.#turns.run(block, async () => {
      const session = this.#sessions.get(block);
      if (session === undefined || session.isStrict || session.isNeeded) return;
      if (session.branch.usedAt !== session.branch.createdAt) return;
      this.#sessions.delete(block);
      await this.#options.store.remove(block);
    });
    // Whoever needs the room tries again.
    removed.catch(() => {});
  }

  /** Of a branch that is open. */
  #noteUse(block: number): void {
    if (this.#sessions.has(block)) this.#options.store.open(block, () => undefined);
  }

  /** Keeps a branch open as the one that was used last, and closes those that were not used for longest. */
  #keep(block: number, kept: OfflineSession): void {
    this.#sessions.delete(block);
    this.#sessions.set(block, kept);
    for (const [other, session] of this.#sessions) {
      if (this.#sessions.size <= MAX_OPEN) return;
      if (this.#turns.isTaken(other) || session.isNeeded) continue;
      this.#sessions.delete(other);
      session.branch.close();
    }
  }

  /** Makes the branch of a replica that is being downloaded. */
  async #begin(block: number, device: string | undefined, generation: number): Promise<OfflineSession> {
    const isFirst = generation === (block === STRICT_BLOCK ? 1 : block * GENERATIONS_PER_BLOCK);
    if (!isFirst || (device === undefined && block !== STRICT_BLOCK)) throw unknownGeneration(generation);
    if (block === STRICT_BLOCK) return this.#create(block, undefined);
    this.#beginning += 1;
    try {
      await this.#makeRoom();
      return await this.#create(block, device);
    } finally {
      this.#beginning -= 1;
    }
  }

  async #create(block: number, device: string | undefined): Promise<OfflineSession> {
    const { store, database, mergedPosition } = this.#options;
    const branch = await withFirstImage(database, (first) => store.create({ block, device, ...first }));
    this.#assertOpen();
    const session = new OfflineSession(branch, database, mergedPosition);
    this.#keep(block, session);
    return session;
  }

  /** Lets go of branches that nobody will come back for. Throws `RequestError` 429 if there are still too many. */
  async #makeRoom(): Promise<void> {
    const { store, database, timeOfDay } = this.#options;
    const { maxOfflineReplicas, offlineReplicaRetentionMs } = database.options;
    const expired = (): readonly number[] =>
      expiredBranches(store.list(), timeOfDay(), offlineReplicaRetentionMs);
    for (const block of expired()) {
      await this.#turns.run(block, async () => {
        // It may have been used before its turn came.
        if (!expired().includes(block)) return;
        this.#sessions.delete(block);
        await store.remove(block);
      });
    }
    const count = store.list().filter(({ block }) => block !== STRICT_BLOCK).length;
    if (count + this.#beginning <= maxOfflineReplicas) return;
    throw new RequestError(
      429,
      `the database has ${count} offline replicas, and may have no more: the server's maxOfflineReplicas must be raised`,
    );
  }

  async #bringUpToDate(session: OfflineSession): Promise<void> {
    session.settle();
    if (mayAppend(session)) await appendDifferences(this.#options.database, session.branch, true);
  }

  /** The generation that a download in strict mode may begin; undefined: it gets the newest one there is. */
  #nextForDownload({ branch, newestGeneration, newestStart }: OfflineSession): number | undefined {
    const isWorthIt = branch.head > newestStart && newestGeneration < GENERATIONS_FOR_DOWNLOADS;
    return isWorthIt ? newestGeneration + 1 : undefined;
  }

  #freeBlock(): number {
    const taken = new Set(this.#options.store.list().map(({ block }) => block));
    let block: number;
    do block = randomInt(1, BLOCKS);
    while (taken.has(block));
    return block;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ServerError("closed", "the database is closed");
  }
}

function blockOf(generation: number): number {
  return Math.floor(generation / GENERATIONS_PER_BLOCK);
}
