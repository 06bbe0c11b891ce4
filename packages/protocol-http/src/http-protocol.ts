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
import { encodePageRange, encodePullUpdatesRequest, WireError } from "@tributary/wire";
import { createFetchTransport } from "./fetch-transport.js";
import { HttpCaller } from "./http-caller.js";
import { type HttpProtocolOptions, resolveOptions } from "./http-protocol-options.js";
import { PullStream } from "./pull-stream.js";
import { PullWait } from "./pull-wait.js";
import { runRemoteBatch } from "./run-remote-batch.js";
import { createUndiciTransport } from "./undici-transport.js";

/** The remote over HTTP. */
export interface HttpProtocol extends ProtocolIo {
  /** The same remote, for one operation: its requests end with `aborted` when the signal is aborted. */
  withSignal(signal: AbortSignal): ProtocolIo;
  /**
   * Ends the waiting of every long-poll, as if its time were over: it brings nothing, and names the client's own revision.
   * An answer that has begun to come goes on, and so does a pull that does not wait.
   */
  wake(): void;
  /** Bytes of request bodies sent, and of answers received, since the start. Headers are not counted. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Ends what is open, and lets go of the connections. Later calls fail with `invalid-state`. */
  close(): Promise<void>;
}

const PULL_PATH = "/pull-updates";
const PULL_CONTENT_TYPES = ["application/protobuf", "application/x-protobuf", "application/octet-stream"];

/** Speaks Turso's sync protocol. Throws `SyncError` `invalid-option`. */
export function createHttpProtocol(options: HttpProtocolOptions): HttpProtocol {
  const settings = resolveOptions(options);
  const transport =
    options.fetch === undefined ? createUndiciTransport() : createFetchTransport(options.fetch);
  const caller = new HttpCaller(settings, transport);
  const pulls: OpenPulls = { streams: new Map(), waits: new Set() };
  return {
    ...createProtocolIo(caller, pulls, undefined),
    withSignal: (signal) => createProtocolIo(caller, pulls, signal),
    wake() {
      for (const wait of pulls.waits) wait.wake();
    },
    get bytesSent() {
      return caller.bytesSent;
    },
    get bytesReceived() {
      return caller.bytesReceived;
    },
    async close() {
      for (const pull of pulls.streams.keys()) endPull(pulls, pull);
      await caller.close();
    },
  };
}

/** What is under way. */
interface OpenPulls {
  /** By their handles. `undefined`: one that brings nothing. */
  readonly streams: Map<number, { readonly stream: PullStream | undefined; readonly wait: PullWait }>;
  /** Long-polls without an answer yet. */
  readonly waits: Set<PullWait>;
}

function createProtocolIo(caller: HttpCaller, pulls: OpenPulls, signal: AbortSignal | undefined): ProtocolIo {
  return {
    async startPull(request: PullRequest): Promise<{ pull: PullHandle; header: PullHeader }> {
      const wait = new PullWait(signal);
      const { clientRevision, longPollTimeoutMs } = request;
      if (clientRevision !== undefined && longPollTimeoutMs > 0) pulls.waits.add(wait);
      const pull = nextHandle();
      try {
        const stream = await openPull(caller, request, wait);
        pulls.streams.set(pull, { stream, wait });
        return { pull, header: stream.header };
      } catch (error) {
        wait.dispose();
        if (!wait.isWoken || clientRevision === undefined) throw error;
        pulls.streams.set(pull, { stream: undefined, wait });
        return { pull, header: { revision: clientRevision, databaseSize: 0, endpoint: PULL_PATH } };
      } finally {
        pulls.waits.delete(wait);
      }
    },
    async receivePages(pull: PullHandle): Promise<PageBatch | undefined> {
      const open = pulls.streams.get(pull);
      if (open === undefined) throw new SyncError("invalid-state", "The pull has ended.");
      return open.stream?.next();
    },
    endPull: (pull: PullHandle): void => endPull(pulls, pull),
    runRemoteBatch: (batch: RemoteBatch): Promise<readonly RemoteStepResult[]> =>
      runRemoteBatch(caller, batch, signal),
  };
}

function openPull(caller: HttpCaller, request: PullRequest, wait: PullWait): Promise<PullStream> {
  return caller.call(
    {
      path: PULL_PATH,
      contentTypes: PULL_CONTENT_TYPES,
      body: encodePull(request),
      isRepeatable: true,
      extraTimeMs: request.longPollTimeoutMs,
      signal: wait.signal,
    },
    (answer) => wait.answering(() => PullStream.open(answer, caller.settings.maxMessageBytes)),
  );
}

function endPull({ streams }: OpenPulls, pull: number): void {
  const open = streams.get(pull);
  streams.delete(pull);
  open?.stream?.end();
  open?.wait.dispose();
}

function encodePull({ clientRevision, serverRevision, pages, longPollTimeoutMs }: PullRequest): Uint8Array {
  try {
    return encodePullUpdatesRequest({
      encoding: "raw",
      serverRevision: serverRevision ?? "",
      clientRevision: clientRevision ?? "",
      longPollTimeoutMs,
      pagesSelector: pages === undefined ? new Uint8Array() : encodePageRange(pages.from, pages.to),
      querySelector: "",
      streamKind: "pages",
    });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new SyncError("internal", `A pull cannot be asked for: ${error.message}.`, { cause: error });
  }
}

let lastHandle = 0;

function nextHandle(): PullHandle {
  return ++lastHandle as PullHandle;
}
