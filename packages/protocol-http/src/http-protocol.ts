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
import { runRemoteBatch } from "./run-remote-batch.js";
import { createUndiciTransport } from "./undici-transport.js";

/** The remote over HTTP. */
export interface HttpProtocol extends ProtocolIo {
  /** The same remote, for one operation: its requests end with `aborted` when the signal is aborted. */
  withSignal(signal: AbortSignal): ProtocolIo;
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
  const pulls = new Map<number, PullStream>();
  return {
    ...createProtocolIo(caller, pulls, undefined),
    withSignal: (signal) => createProtocolIo(caller, pulls, signal),
    get bytesSent() {
      return caller.bytesSent;
    },
    get bytesReceived() {
      return caller.bytesReceived;
    },
    async close() {
      for (const pull of pulls.values()) pull.end();
      pulls.clear();
      await caller.close();
    },
  };
}

function createProtocolIo(
  caller: HttpCaller,
  pulls: Map<number, PullStream>,
  signal: AbortSignal | undefined,
): ProtocolIo {
  return {
    async startPull(request: PullRequest): Promise<{ pull: PullHandle; header: PullHeader }> {
      const { maxMessageBytes } = caller.settings;
      const stream = await caller.call(
        {
          path: PULL_PATH,
          contentTypes: PULL_CONTENT_TYPES,
          body: encodePull(request),
          isRepeatable: true,
          extraTimeMs: request.longPollTimeoutMs,
          signal,
        },
        (answer) => PullStream.open(answer, maxMessageBytes),
      );
      const pull = nextHandle();
      pulls.set(pull, stream);
      return { pull, header: stream.header };
    },
    async receivePages(pull: PullHandle): Promise<PageBatch | undefined> {
      const stream = pulls.get(pull);
      if (stream === undefined) throw new SyncError("invalid-state", "The pull has ended.");
      return stream.next();
    },
    endPull(pull: PullHandle): void {
      pulls.get(pull)?.end();
      pulls.delete(pull);
    },
    runRemoteBatch: (batch: RemoteBatch): Promise<readonly RemoteStepResult[]> =>
      runRemoteBatch(caller, batch, signal),
  };
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
