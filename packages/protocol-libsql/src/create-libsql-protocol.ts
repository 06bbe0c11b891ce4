import {
  type PageBatch,
  type ProtocolIo,
  type PullHandle,
  type PullHeader,
  type PullRequest,
  type RemoteBatch,
  type RemoteStepResult,
  SyncError,
} from "@tributary/core";
import {
  createFetchTransport,
  createUndiciTransport,
  HttpCaller,
  type HttpClock,
  PullWait,
  resolveOptions,
} from "@tributary/protocol-http";
import { abortedBy, Lane } from "./lane.js";
import type { LibsqlProtocolOptions } from "./libsql-protocol-options.js";
import { mirrorFiles } from "./mirror/mirror-files.js";
import { LibsqlRemote } from "./remote/libsql-remote.js";
import { MirrorKeeper } from "./sync/mirror-keeper.js";
import { PagePull, pinnedState } from "./sync/page-pull.js";
import { runBatch } from "./sync/run-batch.js";

/** The remote over libSQL's offline protocol. */
export interface LibsqlProtocol extends ProtocolIo {
  /** The same remote, for one operation: it ends with `aborted` when the signal is aborted. */
  withSignal(signal: AbortSignal): ProtocolIo;
  /** Ends the waiting of every long-poll, as if its time were over: it brings nothing, and names the client's own revision. */
  wake(): void;
  /** Bytes of request bodies sent, and of answers received, since the start. Headers are not counted. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Ends what is open, and lets go of the connections and of the mirror's files. Later calls fail with `invalid-state`. */
  close(): Promise<void>;
}

/** A long-poll asks again after this long, then after twice as long, up to the longest. The protocol cannot wait by itself. */
const FIRST_POLL_MS = 500;
const LONGEST_POLL_MS = 4000;

/** Speaks libSQL's offline protocol. Throws `SyncError` `invalid-option`. */
export function createLibsqlProtocol(options: LibsqlProtocolOptions): LibsqlProtocol {
  const settings = resolveOptions(options);
  const { mirrorPath, fetch } = options;
  if (typeof mirrorPath !== "string" || mirrorPath === "") {
    throw new SyncError("invalid-option", "mirrorPath must be the path of a file");
  }
  const transport = fetch === undefined ? createUndiciTransport() : createFetchTransport(fetch);
  const caller = new HttpCaller(settings, transport);
  const remote = new LibsqlRemote(caller);
  const keeper = new MirrorKeeper(mirrorFiles(mirrorPath), remote, settings.clock);
  const open: OpenProtocol = {
    remote,
    keeper,
    clock: settings.clock,
    lane: new Lane(),
    pulls: new Map(),
    waits: new Set(),
  };
  const wake = (): void => {
    for (const wait of open.waits) wait.wake();
  };
  return {
    ...createProtocolIo(open, undefined),
    withSignal: (signal) => createProtocolIo(open, signal),
    wake,
    get bytesSent() {
      return caller.bytesSent;
    },
    get bytesReceived() {
      return caller.bytesReceived;
    },
    async close() {
      open.pulls.clear();
      wake();
      await open.lane.close();
      await caller.close();
      keeper.close();
    },
  };
}

/** One protocol, and what is under way in it. */
interface OpenProtocol {
  readonly remote: LibsqlRemote;
  readonly keeper: MirrorKeeper;
  readonly clock: HttpClock;
  /** The mirror is used by one operation at a time. */
  readonly lane: Lane;
  readonly pulls: Map<number, PagePull>;
  /** Long-polls without an answer yet. */
  readonly waits: Set<PullWait>;
}

function createProtocolIo(open: OpenProtocol, signal: AbortSignal | undefined): ProtocolIo {
  return {
    async startPull(request: PullRequest): Promise<{ pull: PullHandle; header: PullHeader }> {
      const pages = await openPull(open, request, signal);
      const pull = nextHandle();
      open.pulls.set(pull, pages);
      return { pull, header: pages.header };
    },
    async receivePages(pull: PullHandle): Promise<PageBatch | undefined> {
      const pages = open.pulls.get(pull);
      if (pages === undefined) throw new SyncError("invalid-state", "The pull has ended.");
      return pages.next();
    },
    endPull: (pull: PullHandle): void => void open.pulls.delete(pull),
    runRemoteBatch: (batch: RemoteBatch): Promise<readonly RemoteStepResult[]> =>
      open.lane.run(signal, (until) => runBatch(open, batch, until)),
  };
}

async function openPull(
  open: OpenProtocol,
  request: PullRequest,
  signal: AbortSignal | undefined,
): Promise<PagePull> {
  const { keeper, remote, lane } = open;
  const { serverRevision, clientRevision, longPollTimeoutMs } = request;
  if (serverRevision !== undefined) {
    return lane.run(signal, async () => {
      const { mirror, at } = pinnedState(await keeper.load(), serverRevision, remote.endpoint);
      return new PagePull(keeper, mirror, at, request, remote.endpoint);
    });
  }
  const latest = (within: AbortSignal | undefined): Promise<PagePull> =>
    lane.run(within, async (until) => {
      const mirror = await keeper.refresh(until);
      return new PagePull(keeper, mirror, mirror.at, request, remote.endpoint);
    });
  const pages = await latest(signal);
  if (clientRevision === undefined || longPollTimeoutMs <= 0) return pages;
  return pollFor(open, longPollTimeoutMs, pages, latest, signal);
}

/** Asks again and again, until there is something, the time is over, or somebody ends it. */
async function pollFor(
  { clock, waits }: OpenProtocol,
  timeoutMs: number,
  first: PagePull,
  latest: (signal: AbortSignal) => Promise<PagePull>,
  signal: AbortSignal | undefined,
): Promise<PagePull> {
  const wait = new PullWait(signal);
  waits.add(wait);
  let pages = first;
  try {
    const end = clock.now() + timeoutMs;
    for (let pauseMs = FIRST_POLL_MS; pages.isEmpty && clock.now() < end; ) {
      await clock.sleep(Math.min(pauseMs, end - clock.now()), wait.signal);
      pages = await latest(wait.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_POLL_MS);
    }
    return pages;
  } catch (error) {
    if (wait.isWoken) return pages;
    throw signal?.aborted ? abortedBy(signal) : error;
  } finally {
    waits.delete(wait);
    wait.dispose();
  }
}

let lastHandle = 0;

function nextHandle(): PullHandle {
  return ++lastHandle as PullHandle;
}
