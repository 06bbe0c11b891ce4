import {
  PAGE_SIZE,
  type PageBatch,
  type ProtocolIo,
  type PullHandle,
  type PullRequest,
  type SqlRow,
} from "@tributary/core";
import { createMemoryRemote } from "@tributary/testkit";
import Database from "better-sqlite3";
import { contentsOf } from "../../support/contents.js";

/**
 * A remote in memory that remembers all of its revisions and can be copied with them: each crash point goes on with a
 * remote of its own, as it was then.
 */
export class ForkableRemote {
  readonly #remote = createMemoryRemote();
  readonly #states: Uint8Array[];
  /** A revision is this text and the index of its state. */
  readonly #history: string;

  private constructor(states: readonly Uint8Array[], history: string) {
    this.#states = [...states];
    this.#history = history;
    const last = states.at(-1);
    if (last !== undefined && last.length > 0) this.#remote.restore(last);
  }

  /** `history`: what its revisions begin with; without it they only count. */
  static create(sql: string, history = ""): ForkableRemote {
    const remote = new ForkableRemote([], history);
    remote.query(sql);
    return remote;
  }

  fork(): ForkableRemote {
    return new ForkableRemote(this.#states, this.#history);
  }

  /** How many states there have been; grows with every commit that changed something. */
  get revisions(): number {
    return this.#states.length;
  }

  get latestRevision(): string {
    return `${this.#history}${this.#states.length - 1}`;
  }

  query(sql: string): readonly SqlRow[] {
    const rows = this.#remote.query(sql);
    this.#note();
    return rows;
  }

  contents(): Record<string, string[]> {
    const db = new Database(Buffer.from(this.#latest()));
    try {
      return contentsOf(db);
    } finally {
      db.close();
    }
  }

  /** All pages at a revision, back to back. */
  pagesAt(revision: string): Uint8Array {
    return this.#states[Number(revision.slice(this.#history.length))] as Uint8Array;
  }

  /** A port for one replica. `pagesPerBatch`: so many pages come with one request. */
  connect(pagesPerBatch = 8): ProtocolIo {
    const { runRemoteBatch } = this.#remote.connect();
    const pulls = new Map<PullHandle, { readonly state: Uint8Array; readonly pageIds: number[] }>();
    let lastPull = 0;
    return {
      startPull: (request) => {
        const revision = request.serverRevision ?? this.latestRevision;
        const state = this.pagesAt(revision);
        const pull = ++lastPull as PullHandle;
        pulls.set(pull, { state, pageIds: this.#wanted(request, state) });
        const databaseSize = state.length / PAGE_SIZE;
        return { pull, header: { revision, databaseSize, endpoint: "memory:" } };
      },
      receivePages: (pull) => {
        const open = pulls.get(pull);
        const pageIds = open?.pageIds.splice(0, pagesPerBatch) ?? [];
        return open === undefined || pageIds.length === 0 ? undefined : batchOf(open.state, pageIds);
      },
      endPull: (pull) => void pulls.delete(pull),
      runRemoteBatch: (batch) => {
        const results = runRemoteBatch(batch);
        this.#note();
        return results;
      },
    };
  }

  close(): void {
    this.#remote.close();
  }

  #latest(): Uint8Array {
    return this.#states.at(-1) as Uint8Array;
  }

  #note(): void {
    const state = this.#remote.backup();
    const last = this.#states.at(-1);
    if (last === undefined || !Buffer.from(last).equals(state)) this.#states.push(state);
  }

  #wanted({ clientRevision, pages }: PullRequest, state: Uint8Array): number[] {
    const known = clientRevision === undefined ? undefined : this.pagesAt(clientRevision);
    const wanted: number[] = [];
    const end = Math.min(pages?.to ?? Number.POSITIVE_INFINITY, state.length / PAGE_SIZE);
    for (let pageId = pages?.from ?? 0; pageId < end; pageId++) {
      const [from, to] = [pageId * PAGE_SIZE, (pageId + 1) * PAGE_SIZE];
      const isSame =
        known !== undefined && Buffer.from(state.subarray(from, to)).equals(known.subarray(from, to));
      if (!isSame) wanted.push(pageId);
    }
    return wanted;
  }
}

function batchOf(state: Uint8Array, pageIds: readonly number[]): PageBatch {
  const bytes = new Uint8Array(pageIds.length * PAGE_SIZE);
  for (const [index, pageId] of pageIds.entries()) {
    bytes.set(state.subarray(pageId * PAGE_SIZE, (pageId + 1) * PAGE_SIZE), index * PAGE_SIZE);
  }
  return { pageIds: Uint32Array.from(pageIds), bytes };
}
