import {
  type ProtocolIo,
  type PullHandle,
  type RemoteBatch,
  type RemoteStepResult,
  SyncError,
} from "@tributary/core";
import type { SeededRandom } from "../random/seeded-random.js";

/** What becomes of a call of a remote. */
export type RemoteFault =
  /** It never arrives. */
  | { readonly type: "request-lost" }
  /** It is carried out, and nobody learns of it. */
  | { readonly type: "answer-lost" }
  /** A batch is carried out twice; the second result is the answer. Not for pulls. */
  | { readonly type: "duplicate" }
  /** A batch times out, and is carried out all the same once that many further calls were made. Not for pulls. */
  | { readonly type: "late"; readonly afterCalls: number }
  /** A pull breaks off when that many of its pages were received. Not for batches. */
  | { readonly type: "cut"; readonly afterPages: number }
  /** It takes that long, by the clock that was given. */
  | { readonly type: "delay"; readonly milliseconds: number };

/** A call of which the fate is to be decided. */
export interface RemoteCall {
  /** Counts calls, from 1. */
  readonly number: number;
  readonly method: "startPull" | "runRemoteBatch";
  /** The batch, for one. */
  readonly batch?: RemoteBatch;
}

/** Decides what becomes of a call; `undefined`: nothing happens to it. */
export type FaultPlan = (call: RemoteCall) => RemoteFault | undefined;

/** A remote with an unreliable way to it. */
export interface FaultyRemote extends ProtocolIo {
  /** Calls made so far: pulls begun and batches. */
  readonly calls: number;
  /** Faults that happened so far. */
  readonly faults: number;
  /** Batches that are still on their way. */
  readonly late: number;
  /** Carries out what is still on its way. */
  deliverLate(): Promise<void>;
}

/** Time that may be told to move on, as that of a virtual clock. */
interface Sleeper {
  sleep(milliseconds: number): unknown;
}

const ENDPOINT = "faulty:";

/** Wraps a remote so that calls meet the faults of a plan. Errors are those of `@tributary/protocol-http`. */
export function createFaultyRemote(remote: ProtocolIo, plan: FaultPlan, clock?: Sleeper): FaultyRemote {
  let calls = 0;
  let faults = 0;
  let late: { readonly due: number; readonly batch: RemoteBatch }[] = [];
  const cuts = new Map<PullHandle, number>();

  const deliver = async (isDue: (due: number) => boolean): Promise<void> => {
    const arriving = late.filter(({ due }) => isDue(due));
    late = late.filter(({ due }) => !isDue(due));
    for (const { batch } of arriving) await remote.runRemoteBatch(batch);
  };

  const begin = async (call: Omit<RemoteCall, "number">): Promise<RemoteFault | undefined> => {
    calls++;
    await deliver((due) => due <= calls);
    const fault = plan({ ...call, number: calls });
    if (fault !== undefined) faults++;
    if (fault?.type === "delay") await clock?.sleep(fault.milliseconds);
    if (fault?.type === "request-lost") throw broken("could not be reached");
    return fault;
  };

  return {
    async startPull(request) {
      const fault = await begin({ method: "startPull" });
      if (fault?.type === "late") throw tooLong();
      const started = await remote.startPull(request);
      if (fault?.type === "cut") cuts.set(started.pull, fault.afterPages);
      if (fault?.type !== "answer-lost") return started;
      await remote.endPull(started.pull);
      throw broken("broke the connection");
    },
    async receivePages(pull) {
      const left = cuts.get(pull);
      if (left === undefined) return await remote.receivePages(pull);
      const pages = left > 0 ? await remote.receivePages(pull) : undefined;
      if (pages === undefined) throw broken("broke the connection");
      cuts.set(pull, Math.max(0, left - pages.pageIds.length));
      if (pages.pageIds.length <= left) return pages;
      return { pageIds: pages.pageIds.slice(0, left), bytes: pages.bytes.slice(0, left * 4096) };
    },
    async endPull(pull) {
      cuts.delete(pull);
      await remote.endPull(pull);
    },
    async runRemoteBatch(batch) {
      const fault = await begin({ method: "runRemoteBatch", batch });
      if (fault?.type === "late") {
        late.push({ due: calls + fault.afterCalls, batch });
        throw tooLong();
      }
      let results: readonly RemoteStepResult[] = await remote.runRemoteBatch(batch);
      if (fault?.type === "duplicate") results = await remote.runRemoteBatch(batch);
      if (fault?.type === "answer-lost") throw broken("broke the connection");
      return results;
    },
    get calls() {
      return calls;
    },
    get faults() {
      return faults;
    },
    get late() {
      return late.length;
    },
    deliverLate: () => deliver(() => true),
  };
}

/** Faults of every kind, drawn from a seed, with this probability for each call. */
export function randomFaults(random: SeededRandom, probability: number): FaultPlan {
  return ({ method }) => {
    if (!random.chance(probability)) return undefined;
    const kinds: readonly RemoteFault[] =
      method === "startPull"
        ? [{ type: "cut", afterPages: random.below(8) }]
        : [{ type: "duplicate" }, { type: "late", afterCalls: 1 + random.below(4) }];
    return random.pick<RemoteFault>([
      { type: "request-lost" },
      { type: "answer-lost" },
      { type: "delay", milliseconds: random.below(60_000) },
      ...kinds,
    ]);
  };
}

function broken(what: string): SyncError {
  return new SyncError("unreachable", `${ENDPOINT} ${what}.`, { endpoint: ENDPOINT });
}

function tooLong(): SyncError {
  return new SyncError("timeout", `${ENDPOINT} took too long to answer.`, { endpoint: ENDPOINT });
}
