import type { MaybePromise, ProtocolIo, RemoteStepResult, SqlRow } from "@tributary/core";
import type { SeededRandom } from "@tributary/testkit";
import { expectContents } from "./contents.js";
import { afterPush } from "./meeting.js";
import { type Change, cloneState, emptyState, type Position, type State } from "./model.js";
import { afterwards, type SentBatch } from "./network.js";
import type { Site } from "./site.js";

/** The remote of a simulation: in memory, or the real server. */
export interface RemoteHost {
  /** One port for each replica. */
  connect(): ProtocolIo;
  /** Reads, or writes as another client of the remote does. */
  query(sql: string): readonly SqlRow[];
  restart(forgetRevisions: boolean): MaybePromise<void>;
  /** Only where a remote can be copied. */
  readonly backup?: () => Uint8Array;
  readonly restore?: (backup: Uint8Array) => void;
  close(): MaybePromise<void>;
}

const POSITIONS = "SELECT pull_gen, change_id FROM turso_sync_last_change_id WHERE client_id = ";

/** A remote and its model; also a site, for those who write to it directly. */
export class SimulatedRemote implements Site {
  readonly host: RemoteHost;
  readonly random: SeededRandom;
  readonly number = 0;
  state: State = emptyState();
  /** Batches that were given up and will arrive all the same, or arrive a second time. */
  readonly underWay: SentBatch[] = [];
  /** A backup was put back: what came since is gone. */
  wasRestored = false;
  #backup: { readonly bytes: Uint8Array; readonly state: State } | undefined;
  #unique = 0;
  #isChecked = false;

  constructor(host: RemoteHost, random: SeededRandom) {
    this.host = host;
    this.random = random;
  }

  exec(sql: string): void {
    this.#isChecked = false;
    this.host.query(sql);
  }

  record(_change: Change): void {
    // Nobody keeps a tape of what is written to the remote itself.
  }

  unique(): number {
    return ++this.#unique;
  }

  /** Reads the rows only where something was written since they were last read. */
  expectContents(): void {
    if (!this.#isChecked) expectContents("the remote", (sql) => this.host.query(sql), this.state);
    this.#isChecked = true;
  }

  /** Carries a batch out, and checks that the remote and the model think the same of it. */
  deliver(port: ProtocolIo, sent: SentBatch): MaybePromise<readonly RemoteStepResult[]> {
    const before = this.#position(sent.clientId);
    expectSame(before, this.state.positions.get(sent.clientId), "position before a batch");
    const isFenced = this.#fence(sent.clientId) !== sent.fence;
    return afterwards(port.runRemoteBatch(sent.batch), (results) => {
      this.#isChecked = false;
      const after = this.#position(sent.clientId);
      const changes = sent.entries.map(({ change }) => change);
      const accepted =
        isSame(before, sent.expected) && !isFenced ? afterPush(this.state, changes) : undefined;
      const wasTaken = isSame(after, sent.reached) && !isSame(before, after);
      if (wasTaken !== (accepted !== undefined)) {
        const errors = results.flatMap((result) => (result.type === "error" ? [result.message] : []));
        const what = wasTaken ? "took a batch that it should refuse" : "refused a batch that it should take";
        throw new Error(`The remote ${what}: ${errors.join("; ")}; ${JSON.stringify(changes)}`);
      }
      if (accepted !== undefined) {
        accepted.positions.set(sent.clientId, sent.reached);
        this.state = accepted;
      } else expectSame(after, before, "position after a refusal");
      return results;
    });
  }

  /** Lets what is under way arrive, one batch or all; returns how many did. */
  async deliverLate(which: "one" | "all"): Promise<number> {
    const count = which === "all" ? this.underWay.length : Math.min(1, this.underWay.length);
    for (let done = 0; done < count; done++) {
      const [sent] = this.underWay.splice(this.random.below(this.underWay.length), 1) as [SentBatch];
      await this.deliver(this.host.connect(), sent);
    }
    return count;
  }

  /** Whether the host can. */
  backUp(): boolean {
    const bytes = this.host.backup?.();
    if (bytes !== undefined) this.#backup = { bytes, state: cloneState(this.state) };
    return bytes !== undefined;
  }

  restore(): boolean {
    if (this.#backup === undefined) return false;
    this.host.restore?.(this.#backup.bytes);
    this.state = cloneState(this.#backup.state);
    this.wasRestored = true;
    this.#isChecked = false;
    return true;
  }

  #position(clientId: string): Position | undefined {
    const row = this.#rowOf(clientId);
    return row && { generation: Number(row[0]), changeId: Number(row[1]) };
  }

  #fence(clientId: string): bigint | undefined {
    return this.#rowOf(`${clientId}#fence`)?.[1] as bigint | undefined;
  }

  #rowOf(id: string): SqlRow | undefined {
    const [exists] = this.host.query("SELECT 1 FROM sqlite_schema WHERE name = 'turso_sync_last_change_id'");
    return exists && this.host.query(`${POSITIONS}'${id}'`)[0];
  }
}

function isSame(left: Position | undefined, right: Position | undefined): boolean {
  return left?.generation === right?.generation && left?.changeId === right?.changeId;
}

function expectSame(actual: Position | undefined, expected: Position | undefined, what: string): void {
  if (isSame(actual, expected)) return;
  throw new Error(`The ${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}.`);
}
