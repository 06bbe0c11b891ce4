import {
  type AppliedPackage,
  type InboundStreamOptions,
  type OutboundPackage,
  type OutboundStreamOptions,
  type PackagePayload,
  SyncError,
} from "@tributary/core";
import type { ChangeStreams, LinkInbound, LinkOutbound, StreamPosition } from "../../src/index.js";

interface Entry {
  readonly origin: string;
  readonly value: string;
}

interface FakePackage {
  readonly site: string;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  /** Of a snapshot: its number, and whether it is the last. */
  readonly part?: { readonly number: number; readonly isLast: boolean };
  readonly entries: readonly (Entry | "withheld")[];
}

/** A database as a link sees it: a log of values, in memory. It survives the links that use it. */
export class FakeStreams implements ChangeStreams {
  readonly site: string;
  readonly log: Entry[] = [];
  epoch = 1;
  /** The oldest changes are not kept. */
  trimmedUpTo = 0;
  /** Whether the app has a transaction open. */
  isBusy = false;
  /** What the next calls of `apply` throw. */
  readonly applyFailures: Error[] = [];
  /** Entries of a package. */
  perPackage = 3;
  readonly sources = new Map<string, StreamPosition>();
  readonly acknowledged = new Map<string, number>();
  /** Options of the outbound streams that were made. */
  readonly opened: OutboundStreamOptions[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #closeListeners = new Set<() => void>();
  /** Streams that are open. */
  open = 0;

  constructor(site: string) {
    this.site = site;
  }

  get values(): string[] {
    return this.log.map(({ value }) => value);
  }

  write(...values: string[]): void {
    for (const value of values) this.log.push({ origin: this.site, value });
    this.#tell();
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  close(): void {
    for (const listener of [...this.#closeListeners]) listener();
  }

  get listeners(): number {
    return this.#listeners.size + this.#closeListeners.size;
  }

  createOutboundStream(options: OutboundStreamOptions = {}): LinkOutbound & { readonly position: unknown } {
    this.checkBusy();
    this.opened.push(options);
    this.open++;
    return new FakeOutbound(this, options);
  }

  createInboundStream({ from }: InboundStreamOptions): LinkInbound {
    this.checkBusy();
    return new FakeInbound(this, from);
  }

  checkBusy(): void {
    if (this.isBusy) throw new SyncError("database-busy", "a transaction is open");
  }

  take(entries: readonly (Entry | "withheld")[]): number {
    // What came another way is here already; else it would go round in circles for ever.
    const known = new Set(this.values);
    const taken = entries.filter(
      (entry) => entry !== "withheld" && entry.origin !== this.site && !known.has(entry.value),
    ) as Entry[];
    this.log.push(...taken);
    if (taken.length > 0) this.#tell();
    return taken.length;
  }

  #tell(): void {
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener();
    });
  }
}

class FakeOutbound implements LinkOutbound {
  readonly position = undefined;
  readonly #streams: FakeStreams;
  readonly #options: OutboundStreamOptions;
  #at: number;
  /** Number of the next part of the snapshot, and where it ends; `undefined`: none is being made. */
  #snapshot: { readonly to: number; part: number; acked: number } | undefined;

  constructor(streams: FakeStreams, options: OutboundStreamOptions) {
    this.#streams = streams;
    this.#options = options;
    this.#at = streams.acknowledged.get(options.to as string) ?? 0;
    if (options.since === "snapshot") this.#beginSnapshot();
  }

  next(): OutboundPackage | undefined {
    const { site, epoch, log, perPackage, trimmedUpTo } = this.#streams;
    const { to: peer = "", excludeOrigins = [] } = this.#options;
    this.#streams.checkBusy();
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && snapshot.part >= 0) {
      const first = snapshot.part * perPackage;
      const entries = log.slice(0, snapshot.to).slice(first, first + perPackage);
      const isLast = first + perPackage >= snapshot.to;
      const number = snapshot.part;
      snapshot.part = isLast ? -1 : number + 1;
      const ack = (): void => {
        snapshot.acked = number + 1;
        if (!isLast || this.#snapshot !== snapshot) return;
        this.#snapshot = undefined;
        this.#ack(peer, snapshot.to);
      };
      const nack = (): void => {
        snapshot.part = snapshot.acked;
        this.#at = snapshot.to;
      };
      if (isLast) this.#at = snapshot.to;
      const made: FakePackage = { site, epoch, from: 0, to: snapshot.to, part: { number, isLast }, entries };
      return { ...pack(made), endsTransaction: isLast, ack, nack };
    }
    if (this.#at < trimmedUpTo) throw new SyncError("stream-behind", "it is not kept");
    if (this.#at >= log.length) return undefined;
    const from = this.#at;
    const to = Math.min(from + perPackage, log.length);
    this.#at = to;
    const entries = log
      .slice(from, to)
      .map((entry) => (excludeOrigins.includes(entry.origin) ? "withheld" : entry));
    const nack = (): void => {
      this.#at = this.#streams.acknowledged.get(peer) ?? 0;
      if (snapshot !== undefined) snapshot.part = snapshot.acked;
    };
    const ack = (): void => this.#ack(peer, to);
    return { ...pack({ site, epoch, from, to, entries }), endsTransaction: true, ack, nack };
  }

  resume(position: StreamPosition | undefined): void {
    const { epoch, log, trimmedUpTo, acknowledged } = this.#streams;
    this.#streams.checkBusy();
    const { to: peer = "", since = "snapshot" } = this.#options;
    if (position === undefined) {
      if (since === "snapshot") this.#beginSnapshot();
      else this.#at = 0;
      return;
    }
    if (position.epoch !== epoch || position.cursor > log.length) {
      if (position.epoch === epoch) this.#streams.epoch++;
      throw new SyncError("stream-restarted", "another past");
    }
    if (position.cursor < trimmedUpTo) throw new SyncError("stream-behind", "it is not kept");
    this.#snapshot = undefined;
    this.#at = position.cursor;
    acknowledged.set(peer, position.cursor);
  }

  close(): void {
    this.#streams.open--;
  }

  #ack(peer: string, cursor: number): void {
    this.#streams.checkBusy();
    const { acknowledged } = this.#streams;
    acknowledged.set(peer, Math.max(cursor, acknowledged.get(peer) ?? 0));
  }

  #beginSnapshot(): void {
    const to = this.#streams.log.length;
    this.#snapshot = to === 0 ? undefined : { to, part: 0, acked: 0 };
    this.#at = 0;
  }
}

class FakeInbound implements LinkInbound {
  readonly #streams: FakeStreams;
  readonly #from: string;
  #parts: (Entry | "withheld")[] = [];
  #nextPart = 0;

  constructor(streams: FakeStreams, from: string) {
    this.#streams = streams;
    this.#from = from;
  }

  get position(): StreamPosition | undefined {
    return this.#streams.sources.get(this.#from);
  }

  apply(payload: PackagePayload): AppliedPackage {
    const failure = this.#streams.applyFailures.shift();
    if (failure !== undefined) throw failure;
    this.#streams.checkBusy();
    const made = JSON.parse(Buffer.from(payload as Uint8Array).toString()) as FakePackage;
    if (made.site !== this.#from) throw new SyncError("damaged-package", "of another site");
    return made.part === undefined ? this.#applyChanges(made) : this.#applyPart(made, made.part);
  }

  #applyChanges({ from, to, epoch, entries }: FakePackage): AppliedPackage {
    const position = this.position ?? { epoch, cursor: 0 };
    if (position.epoch !== epoch) throw new SyncError("stream-restarted", "another epoch");
    if (to <= position.cursor) return outcome("repeat", position.cursor, 0);
    if (from !== position.cursor) {
      throw new SyncError("stream-gap", "a gap", { expectedCursor: position.cursor });
    }
    const changes = this.#streams.take(entries);
    this.#streams.sources.set(this.#from, { epoch, cursor: to });
    return outcome("applied", to, changes);
  }

  #applyPart(
    { epoch, to, entries }: FakePackage,
    part: { readonly number: number; readonly isLast: boolean },
  ): AppliedPackage {
    const cursor = this.position?.cursor ?? 0;
    if (this.position?.epoch === epoch && to <= cursor) return outcome("repeat", cursor, 0);
    if (part.number === 0) this.#parts = [];
    else if (part.number < this.#nextPart) return outcome("repeat", cursor, 0);
    else if (part.number > this.#nextPart)
      throw new SyncError("stream-gap", "a gap", { expectedCursor: cursor });
    this.#parts.push(...entries);
    this.#nextPart = part.number + 1;
    if (!part.isLast) return outcome("parked", cursor, 0);
    const changes = this.#streams.take(this.#parts);
    this.#streams.sources.set(this.#from, { epoch, cursor: to });
    this.#nextPart = 0;
    return outcome("applied", to, changes);
  }
}

function outcome(status: AppliedPackage["status"], cursor: number, changes: number): AppliedPackage {
  return { status, cursor, changes, sameSchema: undefined };
}

function pack(made: FakePackage): Pick<OutboundPackage, "payload" | "from" | "to"> {
  return { payload: Buffer.from(JSON.stringify(made)), from: made.from, to: made.to };
}
