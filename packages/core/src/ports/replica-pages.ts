import type { Coroutine } from "../coroutine/coroutine.js";

/** Images of some pages, read as they are needed. */
export interface PageImages {
  /** One-based page numbers, each once, in any order. */
  readonly pageNumbers: Uint32Array;
  /** The images of `pageNumbers[from]` up to, not including, `pageNumbers[to]`, back to back. */
  read(from: number, to: number): Coroutine<Uint8Array>;
}

/** What page 1 of the synced state says where the local file must say something else. */
export interface SyncedHeader {
  /** Bytes 18 and 19: file format write and read version. */
  readonly writeVersion: number;
  readonly readVersion: number;
  /** Offset 40: schema cookie. */
  readonly schemaCookie: number;
}

/** Position in a WAL: its salts and a number of frames. */
export interface WalPosition {
  readonly salt1: number;
  readonly salt2: number;
  /** Frames from the start of the WAL. */
  readonly frames: number;
}

/** Where the synced pages are. Saved in the metadata; without it they cannot be told from local ones. */
export interface SyncedPages {
  /** Size of the synced state in pages; 0 before the first pull of a database that did not exist. */
  readonly databaseSize: number;
  /** `undefined` while `databaseSize` is 0. */
  readonly header: SyncedHeader | undefined;
  /** Up to here the WAL holds only state whose synced images are known; `undefined`: no WAL, the database file does. */
  readonly watermark: WalPosition | undefined;
  /** Id of the revert file that belongs to this state; `undefined`: no page needs one. */
  readonly revertId: string | undefined;
}

/** The synced pages are not known: the next pull has to bring all of them. */
export const UNKNOWN_PAGES: SyncedPages = {
  databaseSize: 0,
  header: undefined,
  watermark: undefined,
  revertId: undefined,
};

/** Where a publish will write, known before it starts; a later process can tell from it whether the publish happened. */
export interface PublishPlan {
  readonly start: WalPosition;
  /** The commit frame. */
  readonly end: WalPosition;
  /** The synced state that the publish leads to. */
  readonly synced: SyncedPages;
}

/**
 * How synced pages get into the live database and out of it. On stock SQLite this is work on the WAL
 * (`WalReplicaPages`); a SQLite with a virtual file system of ours would do it differently. The engine's procedures
 * name neither WAL nor file.
 *
 * All methods but `readSynced` want the write lock held by the caller (`io.tryBeginWrite`), so nobody else writes.
 */
export interface ReplicaPages {
  /** Where the synced pages are now. */
  readonly synced: SyncedPages;
  /**
   * Saves the synced image of every page that local changes have touched, durably, and moves the watermark to the end
   * of the log. Afterwards the log may be checkpointed. The caller saves the returned state in the metadata.
   */
  settle(): Coroutine<SyncedPages>;
  /** Where a publish of these pages will write, and the state it leads to. Writes nothing. */
  planPublish(remote: PageImages, databaseSize: number): Coroutine<PublishPlan>;
  /**
   * Rolls the touched pages back to their synced images and lays the remote pages over them, as one commit that is
   * durable on return. Other connections see it with their next transaction. The caller still holds the write lock,
   * and ends it with `ROLLBACK` at once: its own connection must not read before. Then it calls `renewGuard`.
   */
  publish(plan: PublishPlan, remote: PageImages, databaseSize: number): Coroutine<void>;
  /**
   * Takes the state of a publish that happened as the synced state. The caller saves it in the metadata and then calls
   * `dropRevertPages`.
   */
  adopt(plan: PublishPlan): Coroutine<void>;
  /** Removes a revert file that `synced` does not name any more. */
  dropRevertPages(): Coroutine<void>;
  /** After a publish that could not be followed by its replay: publishes the pages as they were before it, and settles. */
  undoPublish(plan: PublishPlan): Coroutine<SyncedPages>;
  /**
   * Notes that the local state is the synced one and the replica's own tables, nothing else: call right after a replay of
   * nothing, when its publish was adopted, or when opening knows it. From then on remote pages may be laid over it.
   */
  markRest(): Coroutine<void>;
  /** Whether nothing was written since, by whomever. */
  rests(): Coroutine<boolean>;
  /**
   * Whether remote pages can be laid over the local state: since it came to rest, neither side has changed the size, the
   * schema or the free pages, nor the remote a page in which the local state differed then.
   */
  mayLayOver(remote: PageImages, databaseSize: number): Coroutine<boolean>;
  /**
   * Lays remote pages over the local state as one commit that is durable on return. All that was written to the app's own
   * tables since the local state came to rest is rolled back with it, so nothing of it may be of use any more; the
   * replica's own tables stay as they are. Gives the synced state it leads to, for `follow`; until that is called the pages
   * count as local ones. `undefined`: it cannot be, and nothing was done. Ended as a `publish` is.
   */
  layOver(remote: PageImages, databaseSize: number): Coroutine<SyncedPages | undefined>;
  /** Takes the state that `layOver` gave as the synced state. The caller saves it before it calls `settle`. */
  follow(synced: SyncedPages): Coroutine<void>;
  /** Whether the publish that was planned is in the database. */
  isPublished(plan: PublishPlan): Coroutine<boolean>;
  /** The synced image of a page, byte for byte as the remote has it. */
  readSynced(pageNumber: number): Coroutine<Uint8Array>;
  /** Takes the synced state as unknown, as that of a replica before its first pull. The caller saves that. */
  forget(): Coroutine<void>;
  /** Number of frames in the log, to decide whether to checkpoint. */
  logFrames(): Coroutine<number>;
  /** Bytes of revert pages on disk. */
  revertBytes(): Coroutine<number>;
  /** After `settle`, with its state saved, and no transaction of the engine's open: moves the log into the database. */
  checkpoint(): Coroutine<SyncedPages>;
  /** Makes the guard stand on the current state of the database. Call right after `ROLLBACK` of a publish. */
  renewGuard(): Coroutine<void>;
  /** Closes files. Call after the connections are closed. */
  close(): Coroutine<void>;
}
