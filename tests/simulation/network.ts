import {
  type MaybePromise,
  type PageBatch,
  type ProtocolIo,
  type PullHandle,
  type PullHeader,
  type PullRequest,
  type RemoteBatch,
  type RemoteStep,
  type RemoteStepResult,
  SyncError,
} from "@tributary/core";
import { isEmpty, type TapeEntry } from "./meeting.js";
import { addColumnSql, cloneState, type Position, type State } from "./model.js";
import type { SimulatedRemote } from "./simulated-remote.js";

/**
 * What befalls one request. `late`: it is given up, and arrives later; `last`: the same, and nothing gets through after
 * it. `twice`: it is answered, and arrives again later. `cut`: a pull ends between its pages.
 */
export type Fault = "lost request" | "lost answer" | "late" | "last" | "twice" | "cut";
export const FAULTS: readonly Fault[] = ["lost request", "lost answer", "late", "last", "twice", "cut"];
const OF_BATCHES: readonly Fault[] = FAULTS.filter((fault) => fault !== "cut");

/** A batch of changes on its way to the remote, with what the model knows of it. */
export interface SentBatch {
  readonly clientId: string;
  readonly batch: RemoteBatch;
  readonly expected: Position | undefined;
  readonly fence: bigint | undefined;
  readonly reached: Position;
  /** The changes in it. */
  readonly entries: readonly TapeEntry[];
  readonly sender: NetworkUser;
}

/** What the network asks of the replica it belongs to. */
export interface NetworkUser {
  readonly tape: readonly TapeEntry[];
  /** How many pulls have restarted the tape. */
  readonly generation: number;
}

/** One replica's way to the remote. What is carried out is told to the model, whether the answer arrives or not. */
export class Network implements ProtocolIo {
  readonly #port: ProtocolIo;
  readonly #remote: SimulatedRemote;
  readonly #user: NetworkUser;
  offline = false;
  /** The fault of a coming request, and how many go well before. */
  fault: { readonly kind: Fault; after: number } | undefined;
  /** The model of what was last asked for. */
  pulled: State | undefined;

  constructor(port: ProtocolIo, remote: SimulatedRemote, user: NetworkUser) {
    this.#port = port;
    this.#remote = remote;
    this.#user = user;
  }

  startPull(request: PullRequest): MaybePromise<{ pull: PullHandle; header: PullHeader }> {
    if (this.#next("lost request", "lost answer") !== undefined) throw lost();
    this.pulled = cloneState(this.#remote.state);
    return this.#port.startPull(request);
  }

  receivePages(pull: PullHandle): MaybePromise<PageBatch | undefined> {
    if (this.#next("cut") !== undefined) throw lost();
    return this.#port.receivePages(pull);
  }

  endPull(pull: PullHandle): MaybePromise<void> {
    return this.#port.endPull(pull);
  }

  runRemoteBatch(batch: RemoteBatch): MaybePromise<readonly RemoteStepResult[]> {
    if (batch.repeatable) {
      if (this.#next("lost request", "lost answer") !== undefined) throw lost();
      return this.#port.runRemoteBatch(batch);
    }
    const fault = this.#next(...OF_BATCHES);
    if (fault === "lost request") throw lost();
    const sent = sentBatch(batch, this.#user);
    if (fault === "late" || fault === "last" || fault === "twice") this.#remote.underWay.push(sent);
    if (fault === "last") this.offline = true;
    if (fault === "late" || fault === "last") throw lost();
    return afterwards(this.#remote.deliver(this.#port, sent), (results) => {
      if (fault === "lost answer") throw lost();
      return results;
    });
  }

  /** The fault of this request, if it is of one of these kinds. */
  #next(...kinds: readonly Fault[]): Fault | undefined {
    if (this.offline) return "lost request";
    const { fault } = this;
    if (fault === undefined || !kinds.includes(fault.kind) || fault.after-- > 0) return undefined;
    this.fault = undefined;
    return fault.kind;
  }
}

/** Reads from a batch how far it reaches: behind the check of the position come the changes. */
function sentBatch(batch: RemoteBatch, sender: NetworkUser): SentBatch {
  const checkAt = batch.steps.findIndex(({ params: [id] }) => String(id).endsWith("#check"));
  const checkParams = batch.steps[checkAt]?.params ?? [];
  // After the row it would write: the client id with the position, if there is one; the fence, likewise.
  const [, , generationOrFence, changeIdOrFence] = checkParams;
  const hasPosition = typeof generationOrFence === "bigint" && typeof changeIdOrFence === "bigint";
  const expected = hasPosition
    ? { generation: Number(generationOrFence), changeId: Number(changeIdOrFence) }
    : undefined;
  const last = checkParams.at(-1);
  const fence = typeof last === "bigint" ? last : undefined;
  const set = batch.steps.findLast(({ sql }) => sql.includes("VALUES (?, ?, ?) ON CONFLICT (client_id)"));
  const [clientId, generation, changeId] = set?.params ?? [];
  const reached = { generation: Number(generation), changeId: Number(changeId) };
  const from = expected?.generation === reached.generation ? expected.changeId : 0;
  const candidates = sender.tape.filter(({ id, parked }) => !parked && id > from && id <= reached.changeId);
  const entries = sentEntries(candidates, batch.steps.slice(checkAt + 1, -3));
  return { clientId: String(clientId), batch, expected, fence, reached, entries, sender };
}

/** The changes that statements are about: an update of nothing has none, a column that was refused is left out. */
function sentEntries(candidates: readonly TapeEntry[], steps: readonly RemoteStep[]): TapeEntry[] {
  let at = 0;
  const sent = candidates.filter(({ change }) => {
    if (isEmpty(change)) return false;
    const isLeftOut =
      change.type === "schema" &&
      change.schema.verb === "add column" &&
      addColumnSql(change.schema) !== steps[at]?.sql;
    if (!isLeftOut) at++;
    return !isLeftOut;
  });
  if (at === steps.length) return sent;
  throw new Error(`A push sends ${steps.length} statements where the model has ${at} changes.`);
}

function lost(): SyncError {
  return new SyncError("unreachable", "The network lost this.");
}

/** Goes on at once with an answer that is there. */
export function afterwards<T, R>(value: MaybePromise<T>, next: (value: T) => R): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
