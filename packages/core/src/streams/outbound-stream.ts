import type { Coroutine } from "../coroutine/coroutine.js";
import { SyncError } from "../errors/sync-error.js";
import type { ChangePackage } from "./change-package.js";
import { encodeChangePackage } from "./package-binary.js";
import { stringifyChangePackage } from "./package-json.js";
import { type PackageFilter, readPackage } from "./package-reader.js";
import { SchemaState } from "./schema-state.js";
import { SnapshotReader } from "./snapshot-reader.js";
import { beginEpoch, isInGap } from "./stream-epoch.js";
import type { StreamHost } from "./stream-host.js";
import type { OutboundPackage, OutboundStreamOptions } from "./stream-options.js";
import { readPeer, SNAPSHOT_UNDER_WAY, savePeer } from "./stream-peers.js";
import { ensureStreamTables, readStreamState, type StreamState } from "./stream-state.js";
import { trimInTransaction } from "./trim-tape.js";
import { writing } from "./write-transaction.js";

const DEFAULT_MAX_BYTES = 256 * 1024;

/** How far an outbound stream has come. */
export interface OutboundPosition {
  readonly epoch: number;
  /** The next package begins here. */
  readonly sent: number;
  /** The receiver has all up to here. During a snapshot: what it will have with the last part. */
  readonly acknowledged: number;
  /** A snapshot is under way, or is what comes next. */
  readonly isSnapshot: boolean;
}

/** What the acknowledgement of a package has to know of it. */
interface SentPackage {
  readonly to: number;
  readonly snapshot: { readonly reader: SnapshotReader; readonly part: number } | undefined;
  /** Counts the times that the receiver said where it stands: older packages say nothing of it any more. */
  readonly resumption: number;
  /** Counts the times that the stream went back: a package that is made anew is not refused twice. */
  readonly rewind: number;
}

/**
 * The changes of a database as packages for one receiver, in the order in which they were committed. It holds positions
 * only: a package that is not acknowledged is made again from the tape, so nothing is queued here.
 */
export class OutboundStream {
  readonly #host: StreamHost;
  readonly #options: OutboundStreamOptions;
  readonly #filter: PackageFilter;
  readonly #schema = new SchemaState();
  #epoch = 0;
  #sent = 0;
  #acknowledged = 0;
  /** A snapshot is to be sent: `true` until its reader is open. */
  #snapshot: SnapshotReader | boolean = false;
  /** How many parts were acknowledged when the receiver last said that it lacks some. */
  #resumedAtPart: number | undefined;
  /** The receiver was given up while nobody had the stream open. */
  #isBehind = false;
  #resumption = 0;
  #rewind = 0;
  #closed = false;

  /**
   * Goes on where the receiver named by `to` has acknowledged, or begins as `since` says. Fails with `invalid-option`, and
   * with `database-busy` where something has to be written first: a new receiver, or the first stream of the database; with
   * `invalid-state` at a spoke, for another receiver than its hub.
   */
  constructor(host: StreamHost, site: string, options: OutboundStreamOptions = {}) {
    const { maxBytes = DEFAULT_MAX_BYTES, excludeOrigins = [], localOnly = false } = options;
    checkOptions(options);
    this.#host = host;
    this.#options = options;
    this.#filter = {
      site,
      to: options.to,
      maxBytes,
      excludeOrigins: new Set(excludeOrigins),
      localOnly,
    };
    host.run(this.#open());
  }

  get position(): OutboundPosition {
    const acknowledged = this.#acknowledged;
    return { epoch: this.#epoch, sent: this.#sent, acknowledged, isSnapshot: this.#snapshot !== false };
  }

  /**
   * The next package; `undefined` when there is nothing now. Fails with `stream-behind` when the changes that come next
   * are no longer kept, and with `stream-restarted` when this database was found to be an older state of itself: then only
   * a stream that is opened with `since: "snapshot"`, or resumed from nothing, goes on.
   */
  next(): OutboundPackage | undefined {
    this.#checkIsOpen();
    if (this.#snapshot !== false) {
      if (this.#snapshot === true || !this.#snapshot.isRead) return this.#nextPart();
    }
    const change = this.#host.run(this.#make());
    if (change === undefined) return undefined;
    const sent = { to: change.to, snapshot: undefined, resumption: this.#resumption, rewind: this.#rewind };
    this.#sent = change.to;
    return this.#packageOf(change, sent);
  }

  /**
   * Goes on where the receiver stands, whatever it had acknowledged; `undefined`: it has nothing, and the stream begins as
   * `since` says, with a snapshot by default. A snapshot that is under way goes on with the first part that is not
   * acknowledged, or begins anew if the receiver still lacks it.
   *
   * Fails with `stream-behind` when what follows is no longer kept; with `stream-restarted` when the position is one of
   * another epoch, or beyond the end of the tape: this database was restored from a backup then, and begins a new epoch.
   */
  resume(position: { readonly epoch: number; readonly cursor: number } | undefined): void {
    this.#checkIsOpen();
    this.#host.run(this.#resume(position));
  }

  /** Ends the stream. What was acknowledged stays known. Calling it again does nothing. */
  close(): void {
    this.#closed = true;
    this.#closeSnapshot();
  }

  *#open(): Coroutine<void> {
    yield* ensureStreamTables((count) => this.#host.randomBytes(count));
    const state = yield* readStreamState();
    this.#checkReceiver(state);
    this.#epoch = state.epoch;
    const { to, since } = this.#options;
    const peer = to === undefined ? undefined : yield* readPeer(to);
    if (since === undefined && peer !== undefined && peer.sent !== SNAPSHOT_UNDER_WAY) {
      this.#sent = this.#acknowledged = peer.acknowledged;
      this.#isBehind = peer.isBehind;
      return;
    }
    const begin = since ?? "snapshot";
    if (begin === "snapshot") this.#snapshot = true;
    else yield* this.#beginAt(startOf(begin, state));
  }

  *#beginAt(cursor: number): Coroutine<void> {
    const { to } = this.#options;
    if (to !== undefined) {
      yield* writing(() => savePeer(to, { acknowledged: cursor, sent: cursor }, this.#host.now(), false));
    }
    this.#sent = this.#acknowledged = cursor;
  }

  *#make(): Coroutine<ChangePackage | undefined> {
    const state = yield* readStreamState();
    if (state.epoch !== this.#epoch) throw this.#restarted();
    if (this.#isBehind || this.#sent < state.trimmedUpTo) throw this.#behind(state);
    if (this.#sent >= state.end) return undefined;
    // What a spoke has from its hub does not go back, and it has no other sender.
    const filter = this.#checkReceiver(state) ? { ...this.#filter, localOnly: true } : this.#filter;
    const content = yield* readPackage(this.#sent, state, yield* this.#schema.shapes(), filter);
    if (content === undefined) return undefined;
    return {
      site: this.#filter.site,
      epoch: state.epoch,
      from: this.#sent,
      schemaHash: yield* this.#schema.hash(),
      snapshot: undefined,
      ...content,
    };
  }

  #nextPart(): OutboundPackage {
    const reader = this.#snapshot instanceof SnapshotReader ? this.#snapshot : this.#openSnapshot();
    const { part, isLast, groups } = reader.next();
    const change: ChangePackage = {
      site: this.#filter.site,
      epoch: this.#epoch,
      from: 0,
      to: reader.state.end,
      endsTransaction: isLast,
      schemaHash: reader.schemaHash,
      snapshot: { part, isLast },
      groups,
    };
    const sent = {
      to: change.to,
      snapshot: { reader, part },
      resumption: this.#resumption,
      rewind: this.#rewind,
    };
    return this.#packageOf(change, sent);
  }

  #openSnapshot(): SnapshotReader {
    const reader = new SnapshotReader(this.#host.openReader(), this.#filter);
    try {
      this.#checkReceiver(reader.state);
      const { end } = reader.state;
      const { to } = this.#options;
      // From now on the tape is kept for it; that the receiver has nothing yet is kept, too.
      if (to !== undefined) {
        const peer = { acknowledged: end, sent: SNAPSHOT_UNDER_WAY };
        this.#host.run(writing(() => savePeer(to, peer, this.#host.now(), false)));
      }
      this.#epoch = reader.state.epoch;
      this.#sent = this.#acknowledged = end;
      this.#snapshot = reader;
      this.#resumedAtPart = undefined;
      return reader;
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  #packageOf(change: ChangePackage, sent: SentPackage): OutboundPackage {
    const isJson = this.#options.encoding === "json";
    return {
      payload: isJson ? stringifyChangePackage(change) : encodeChangePackage(change),
      from: change.from,
      to: change.to,
      endsTransaction: change.endsTransaction,
      ack: () => this.#host.run(this.#acknowledge(sent)),
      nack: () => this.#goBack(sent),
    };
  }

  *#acknowledge({ to, snapshot, resumption }: SentPackage): Coroutine<void> {
    if (resumption !== this.#resumption) return;
    if (snapshot !== undefined) {
      if (snapshot.reader !== this.#snapshot) return;
      const isLast = snapshot.reader.isLast(snapshot.part);
      if (isLast) yield* this.#save(to);
      snapshot.reader.acknowledge(snapshot.part);
      if (isLast) this.#closeSnapshot();
      return;
    }
    const isNews = to > this.#acknowledged || this.#snapshot !== false;
    if (!isNews) return;
    yield* this.#save(to);
    this.#acknowledged = to;
    // Changes after a snapshot are taken only by who has all of it.
    this.#closeSnapshot();
  }

  *#save(acknowledged: number): Coroutine<void> {
    const { to } = this.#options;
    if (to === undefined) return;
    const host = this.#host;
    const sent = Math.max(this.#sent, acknowledged);
    yield* writing(function* () {
      yield* savePeer(to, { acknowledged, sent }, host.now(), true);
      yield* trimInTransaction(host);
    });
  }

  #goBack({ resumption, rewind }: SentPackage): void {
    if (resumption === this.#resumption && rewind === this.#rewind) this.#rewindAll();
  }

  #rewindAll(): void {
    this.#rewind++;
    this.#isBehind = false;
    this.#sent = this.#acknowledged;
    if (this.#snapshot instanceof SnapshotReader) this.#snapshot.rewind();
  }

  *#resume(position: { readonly epoch: number; readonly cursor: number } | undefined): Coroutine<void> {
    const state = yield* readStreamState();
    const isOfSnapshot = this.#snapshot !== false && this.#continueSnapshot(state, position);
    if (isOfSnapshot) return;
    if (position === undefined) {
      yield* this.#beginAnew(state);
      return;
    }
    const { epoch, cursor } = position;
    if (epoch !== state.epoch) throw this.#restarted();
    if (cursor > state.end || (yield* isInGap(cursor, state))) {
      yield* beginEpoch(this.#host, state, cursor);
      throw this.#restarted();
    }
    if (cursor < state.trimmedUpTo) throw this.#behind(state);
    if (this.#acknowledged !== cursor || this.#snapshot !== false) yield* this.#save(cursor);
    this.#closeSnapshot();
    this.#epoch = epoch;
    this.#acknowledged = cursor;
    this.#resumption++;
    this.#rewindAll();
  }

  /** Whether a snapshot is what the receiver needs; it is set to go on then. */
  #continueSnapshot(state: StreamState, position: { epoch: number; cursor: number } | undefined): boolean {
    const snapshot = this.#snapshot;
    if (!(snapshot instanceof SnapshotReader)) {
      // It was asked for, or the receiver has nothing that it could go on from.
      return this.#options.since === "snapshot" || position === undefined;
    }
    const hasAll = position?.epoch === state.epoch && position.cursor >= snapshot.state.end;
    if (hasAll || state.epoch !== snapshot.state.epoch) return false;
    if (this.#resumedAtPart === snapshot.acknowledged) {
      // It said so before, and has not taken the part that it was sent: parts before it are gone there.
      this.#closeSnapshot();
      this.#snapshot = true;
    }
    this.#resumedAtPart = snapshot.acknowledged;
    this.#resumption++;
    this.#rewindAll();
    return true;
  }

  *#beginAnew(state: StreamState): Coroutine<void> {
    const { since = "snapshot" } = this.#options;
    this.#closeSnapshot();
    this.#epoch = state.epoch;
    if (since === "snapshot") this.#snapshot = true;
    else yield* this.#beginAt(startOf(since, state));
    this.#resumption++;
    this.#rewindAll();
  }

  #closeSnapshot(): void {
    if (this.#snapshot instanceof SnapshotReader) this.#snapshot.close();
    this.#snapshot = false;
    this.#resumedAtPart = undefined;
  }

  /**
   * Whether this is the stream of a spoke to its hub. What a spoke shows is not what its tape says in that order, so nobody
   * else can follow it.
   */
  #checkReceiver({ hub }: StreamState): boolean {
    const { to } = this.#options;
    if (hub === undefined || to === undefined || to === hub) return hub !== undefined && to === hub;
    throw new SyncError(
      "invalid-state",
      `This database is a spoke of ${hub} (\`rebase\`), and only its hub may follow it, not ${to}: link that to the hub.`,
    );
  }

  #checkIsOpen(): void {
    if (this.#closed) throw new SyncError("invalid-state", "The outbound stream is closed.");
  }

  #behind({ trimmedUpTo }: StreamState): SyncError {
    const who = this.#options.to === undefined ? "The receiver" : `The receiver ${this.#options.to}`;
    return new SyncError(
      "stream-behind",
      `${who} stands at ${this.#sent}, and changes up to ${trimmedUpTo} are not kept any more. Open the stream with since "snapshot".`,
    );
  }

  #restarted(): SyncError {
    return new SyncError(
      "stream-restarted",
      `The cursors of ${this.#filter.site} have begun anew: it was restored from a backup, or made anew. Open the stream with since "snapshot".`,
    );
  }
}

/** Where a stream begins that is not told to go on. */
function startOf(since: number | "start" | "now", state: StreamState): number {
  if (since === "start") return state.trimmedUpTo;
  if (since === "now") return state.end;
  if (since <= state.end) return since;
  throw new SyncError(
    "invalid-option",
    `createOutboundStream: \`since\` is ${since}, beyond the end of the tape at ${state.end}.`,
  );
}

function checkOptions({ since, maxBytes, encoding }: OutboundStreamOptions): void {
  const isCursor = typeof since !== "number" || (Number.isSafeInteger(since) && since >= 0);
  if (!isCursor)
    throw new SyncError("invalid-option", "createOutboundStream: `since` must be a cursor, a whole number.");
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes > 0))
    throw new SyncError("invalid-option", "createOutboundStream: `maxBytes` must be a whole number above 0.");
  if (encoding !== undefined && encoding !== "binary" && encoding !== "json")
    throw new SyncError("invalid-option", 'createOutboundStream: `encoding` must be "binary" or "json".');
}
