import { type PageBatch, type PullHeader, type PullRequest, SyncError } from "@tributary/core";
import { onHost } from "../mirror/host-errors.js";
import type { Mirror, MirrorView } from "../mirror/mirror.js";
import { type MirrorRevision, parseMirrorRevision } from "../mirror/mirror-revision.js";
import type { MirrorKeeper } from "./mirror-keeper.js";

/** Pages in one batch: 1 MiB. */
const PAGES_PER_BATCH = 256;

/**
 * The pages that one pull brings, as of one frame of the mirror, whatever comes behind it meanwhile. When the generation
 * ends or the mirror is made anew, they are there no more: the pull is cut off then, as by a network.
 */
export class PagePull {
  readonly header: PullHeader;
  readonly #keeper: MirrorKeeper;
  readonly #mirror: Mirror;
  readonly #view: MirrorView;
  readonly #pageIds: readonly number[];
  #next = 0;

  /** `at`: a state that the mirror has. */
  constructor(
    keeper: MirrorKeeper,
    mirror: Mirror,
    at: MirrorRevision,
    request: PullRequest,
    endpoint: string,
  ) {
    const { clientRevision, pages } = request;
    const since = clientRevision === undefined ? undefined : parseMirrorRevision(clientRevision);
    const changed = mirror.changedSince(since, at.frame);
    // The same state has another name in the next generation; whoever knows it by the older one has nothing to pull.
    const isSame = changed.length === 0 && clientRevision !== undefined;
    this.#keeper = keeper;
    this.#mirror = mirror;
    this.#view = mirror.viewAt(at.frame);
    this.#pageIds =
      pages === undefined ? changed : changed.filter((pageId) => pageId >= pages.from && pageId < pages.to);
    this.header = {
      revision: isSame ? clientRevision : mirror.revisionAt(at.frame),
      databaseSize: mirror.sizeAt(at.frame),
      endpoint,
    };
  }

  get isEmpty(): boolean {
    return this.#pageIds.length === 0;
  }

  next(): PageBatch | undefined {
    const pageIds = this.#pageIds.slice(this.#next, this.#next + PAGES_PER_BATCH);
    if (pageIds.length === 0) return undefined;
    if (this.#keeper.mirror !== this.#mirror || this.#mirror.generation !== this.#view.generation) {
      const { endpoint } = this.header;
      throw new SyncError("unreachable", "What was being pulled is not kept any more: pull again.", {
        endpoint,
      });
    }
    this.#next += pageIds.length;
    const bytes = onHost(this.#mirror.files.database, () => this.#mirror.readPages(this.#view, pageIds));
    return { pageIds: Uint32Array.from(pageIds), bytes };
  }
}

/** The state that a pull asks for by name. Throws `SyncError` `remote-rejected` if the mirror does not have it any more. */
export function pinnedState(
  mirror: Mirror | undefined,
  revision: string,
  endpoint: string,
): { readonly mirror: Mirror; readonly at: MirrorRevision } {
  const at = parseMirrorRevision(revision);
  if (mirror !== undefined && at !== undefined && mirror.has(at)) return { mirror, at };
  const message = `Revision ${revision} is not kept any more: pull the latest one.`;
  throw new SyncError("remote-rejected", message, { endpoint, status: 410 });
}
