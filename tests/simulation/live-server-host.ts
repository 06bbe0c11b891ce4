import type {
  Channel,
  MaybePromise,
  PageBatch,
  PullHandle,
  PullHeader,
  PullRequest,
  RemoteBatch,
  RemoteStepResult,
} from "@tributary/core";
import { createLiveClient, type LiveClient, type LiveRemote } from "@tributary/live";
import type { SyncServer } from "@tributary/server";
import { createMemoryChannels } from "@tributary/transports";
import { createServerHost, type ServerPort } from "./server-host.js";
import type { RemoteHost } from "./simulated-remote.js";

/** How long a pull waits for a commit, ms. */
const WAIT_MS = 1;
/** A channel is cut before every so many requests of its replica. */
const REQUESTS_PER_CHANNEL = 7;

/** The same server; replicas come over channels in memory, which are cut now and then. */
export function createLiveServerHost(directory: string): RemoteHost {
  return createServerHost(directory, (server) => new LivePort(server));
}

/** Pulls as a live replica does, for one that expects each pull to bring all that was committed. */
class LivePort implements ServerPort {
  readonly #client: LiveClient;
  readonly #remote: LiveRemote;
  #channel: Channel | undefined;
  #requests = 0;

  constructor(server: () => SyncServer) {
    this.#client = createLiveClient({
      endpoint: "the live server",
      connect: async () => {
        const [left, right] = createMemoryChannels();
        server().acceptChannel(right);
        this.#channel = left;
        return left;
      },
    });
    this.#remote = this.#client.replica();
  }

  async startPull(request: PullRequest): Promise<{ readonly pull: PullHandle; readonly header: PullHeader }> {
    await this.#cutNowAndThen();
    const mayWait = request.clientRevision !== undefined && request.serverRevision === undefined;
    if (!mayWait) return await this.#remote.startPull(request);
    // It may take over a pull that was asked for ahead, and answered by a commit that was not the last one.
    const ahead = await this.#remote.startPull({ ...request, longPollTimeoutMs: WAIT_MS });
    const now = await this.#remote.startPull({ ...request, longPollTimeoutMs: 0 });
    const isNewest = ahead.header.revision === now.header.revision;
    this.#remote.endPull((isNewest ? now : ahead).pull);
    return isNewest ? ahead : now;
  }

  receivePages(pull: PullHandle): MaybePromise<PageBatch | undefined> {
    return this.#remote.receivePages(pull);
  }

  endPull(pull: PullHandle): void {
    this.#remote.endPull(pull);
  }

  async runRemoteBatch(batch: RemoteBatch): Promise<readonly RemoteStepResult[]> {
    await this.#cutNowAndThen();
    return await this.#remote.runRemoteBatch(batch);
  }

  afterRestart(): Promise<void> {
    return untilHeard();
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Between requests: what becomes of those that are cut is known to the network of the simulation only. */
  async #cutNowAndThen(): Promise<void> {
    if (++this.#requests % REQUESTS_PER_CHANNEL !== 0) return;
    this.#channel?.close("cut");
    await untilHeard();
  }
}

/** Channels in memory tell of things in a later turn of the event loop. */
async function untilHeard(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
