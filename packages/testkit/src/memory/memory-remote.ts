import {
  type PageBatch,
  type ProtocolIo,
  type PullHandle,
  type PullHeader,
  type PullRequest,
  type RemoteBatch,
  type RemoteStep,
  type RemoteStepResult,
  type SqlRow,
  SyncError,
  stepRuns,
} from "@tributary/core";
import Database from "better-sqlite3";
import { RevisionIndex, type Snapshot } from "./revision-index.js";

/** Options of {@link createMemoryRemote}. */
export interface MemoryRemoteOptions {
  /** Pages in one answer of `receivePages`. Default 256, which is 1 MiB. */
  readonly pagesPerBatch?: number;
  /** How many of the latest revisions can be asked for by name. Default 8. */
  readonly pinnedRevisions?: number;
}

/** The port of one replica. All methods answer at once. */
export interface MemoryProtocol extends ProtocolIo {
  startPull(request: PullRequest): { readonly pull: PullHandle; readonly header: PullHeader };
  receivePages(pull: PullHandle): PageBatch | undefined;
  endPull(pull: PullHandle): void;
  runRemoteBatch(batch: RemoteBatch): readonly RemoteStepResult[];
}

/** A remote database in memory: what a sync server does, without a network and without a wait. */
export interface MemoryRemote {
  /** A port of its own for each replica. */
  connect(): MemoryProtocol;
  /** Runs SQL as another writer would: one statement gives its rows, several give none. Integers are `bigint`. */
  query(sql: string): readonly SqlRow[];
  /** As a server that is ended and started: what is being pulled is cut off, revisions cannot be asked for by name. */
  restart(options?: { readonly forgetRevisions?: boolean }): void;
  /** The database as it is now. */
  backup(): Uint8Array;
  /** Puts a backup back, as on a new machine: no revision told before is known any more. */
  restore(backup: Uint8Array): void;
  close(): void;
}

const PAGE_SIZE = 4096;
const ENDPOINT = "memory:";

interface OpenPull {
  readonly snapshot: Snapshot;
  readonly pageIds: readonly number[];
  next: number;
}

/** Creates an empty database and the remote that serves it. */
export function createMemoryRemote(options: MemoryRemoteOptions = {}): MemoryRemote {
  const { pagesPerBatch = 256, pinnedRevisions = 8 } = options;
  let db = new Database(":memory:");
  const index = new RevisionIndex(serialize(db));
  let pinned: Snapshot[] = [];
  let openPulls = new Map<number, OpenPull>();
  let lastPull = 0;

  const noteCommits = (): Snapshot => {
    index.note(serialize(db));
    const { current } = index;
    pinned = [current, ...pinned.filter(({ revision }) => revision !== current.revision)];
    pinned.length = Math.min(pinned.length, pinnedRevisions);
    return current;
  };

  const snapshotOf = ({ serverRevision }: PullRequest): Snapshot => {
    const current = noteCommits();
    if (serverRevision === undefined) return current;
    const found = pinned.find(({ revision }) => revision === serverRevision);
    if (found !== undefined) return found;
    const message = `The remote does not have revision ${serverRevision} any more: pull the latest one.`;
    throw new SyncError("remote-rejected", message, { endpoint: ENDPOINT, status: 410 });
  };

  const begin = (request: PullRequest): OpenPull => {
    const snapshot = snapshotOf(request);
    const size = snapshot.bytes.length / PAGE_SIZE;
    const { from, to } = request.pages ?? { from: 0, to: size };
    // Where the snapshot is not the newest one, this may name pages that changed only after it: they do no harm.
    const isWanted = (pageId: number): boolean => pageId >= from && pageId < to && pageId < size;
    const isSame = request.clientRevision === snapshot.revision;
    const pageIds = isSame ? [] : index.changedSince(request.clientRevision).filter(isWanted);
    return { snapshot, pageIds, next: 0 };
  };

  const runBatch = ({ steps }: RemoteBatch): RemoteStepResult[] => {
    const results: RemoteStepResult[] = [];
    for (const step of steps) {
      results.push(
        stepRuns(step, results.at(-1), db.inTransaction) ? runStep(db, step) : { type: "skipped" },
      );
    }
    if (db.inTransaction) db.exec("ROLLBACK");
    return results;
  };

  const endAll = (): void => {
    openPulls = new Map();
    pinned = [];
  };

  return {
    connect() {
      let mine: PullHandle | undefined;
      return {
        startPull(request) {
          if (mine !== undefined && openPulls.has(mine)) {
            throw new SyncError("internal", "A pull was begun while another one was open.");
          }
          const pull = begin(request);
          mine = ++lastPull as PullHandle;
          openPulls.set(mine, pull);
          const { revision, bytes } = pull.snapshot;
          const header = { revision, databaseSize: bytes.length / PAGE_SIZE, endpoint: ENDPOINT };
          return { pull: mine, header };
        },
        receivePages(handle) {
          const pull = openPulls.get(handle);
          if (pull === undefined)
            throw new SyncError("unreachable", "The remote was restarted.", { endpoint: ENDPOINT });
          const pageIds = pull.pageIds.slice(pull.next, pull.next + pagesPerBatch);
          pull.next += pageIds.length;
          return pageIds.length === 0 ? undefined : pagesOf(pull.snapshot.bytes, pageIds);
        },
        endPull(handle) {
          openPulls.delete(handle);
        },
        runRemoteBatch: runBatch,
      };
    },
    query(sql) {
      return runQuery(db, sql);
    },
    restart({ forgetRevisions = false } = {}) {
      endAll();
      if (forgetRevisions) index.forget(serialize(db));
    },
    backup: () => serialize(db),
    restore(backup) {
      db.close();
      db = new Database(Buffer.from(backup));
      endAll();
      index.forget(serialize(db));
    },
    close() {
      db.close();
    },
  };
}

function runStep(db: Database.Database, { sql, params, wantRows }: RemoteStep): RemoteStepResult {
  try {
    const statement = db.prepare(sql);
    if (!statement.reader) {
      statement.run(...params);
      return { type: "ok", rows: [] };
    }
    const rows = statement
      .safeIntegers(true)
      .raw(true)
      .all(...params) as unknown[][];
    return { type: "ok", rows: wantRows ? rows : [] };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const sqlCode = error instanceof Database.SqliteError ? error.code : undefined;
    return { type: "error", message: sqlCode ? `SQLite error: ${error.message}` : error.message, sqlCode };
  }
}

/** better-sqlite3 refuses to prepare several statements at once; those have no rows to give. */
function runQuery(db: Database.Database, sql: string): SqlRow[] {
  if (!/;\s*\S/.test(sql)) {
    const statement = db.prepare(sql);
    if (statement.reader) return statement.safeIntegers(true).raw(true).all() as SqlRow[];
  }
  db.exec(sql);
  return [];
}

function serialize(db: Database.Database): Uint8Array {
  return new Uint8Array(db.serialize());
}

function pagesOf(bytes: Uint8Array, pageIds: readonly number[]): PageBatch {
  const pages = new Uint8Array(pageIds.length * PAGE_SIZE);
  for (const [at, pageId] of pageIds.entries()) {
    pages.set(bytes.subarray(pageId * PAGE_SIZE, (pageId + 1) * PAGE_SIZE), at * PAGE_SIZE);
  }
  return { pageIds: Uint32Array.from(pageIds), bytes: pages };
}
