import type { HranaError } from "@tributary/wire";
import { type Access, type AccessGrant, allows } from "../access/access.js";
import type { SqlStream } from "../hrana/sql-stream.js";
import type { ServerTimer } from "../server-clock.js";
import { Lane } from "./lane.js";
import type { SessionOwner } from "./session-owner.js";
import { SocketCursor } from "./socket-cursor.js";
import { SocketRefusal } from "./socket-refusal.js";

const EXPIRED = { message: "The stream has expired due to inactivity", code: "STREAM_EXPIRED" };

/** One stream of a socket: opening, open, ended, or failed to open. */
export class SocketStream {
  /** The requests for it, except those for its cursors. */
  readonly lane: Lane;
  readonly #owner: Pick<SessionOwner, "gate" | "clock" | "streamIdleTimeoutMs">;
  readonly #cursors = new Set<SocketCursor>();
  #sql: SqlStream | undefined;
  /** What it was opened for. */
  #access: Access = "read";
  /** What requests are told while it is not open. */
  #reason: SocketRefusal;
  #isClosed = false;
  #idleTimer: ServerTimer | undefined;

  constructor(id: number, owner: Pick<SessionOwner, "gate" | "clock" | "streamIdleTimeoutMs">) {
    this.#owner = owner;
    this.lane = new Lane(() => owner.gate(), false);
    this.#reason = new SocketRefusal(`stream ${id} has failed to open`, "STREAM_NOT_OPEN");
  }

  /** Throws `SocketRefusal` where it is not open. */
  get sql(): SqlStream {
    if (this.#sql === undefined) throw this.#reason;
    return this.#sql;
  }

  /** Throws `SocketRefusal` where it is not open. */
  throwIfEnded(): void {
    if (this.#sql === undefined) throw this.#reason;
  }

  get isOpen(): boolean {
    return this.#sql !== undefined;
  }

  /** Takes what was opened for it. */
  open(sql: SqlStream, access: Access): void {
    if (this.#isClosed) {
      // The socket was closed meanwhile.
      sql.close();
      return;
    }
    this.#sql = sql;
    this.#access = access;
    sql.onEnd = ({ message, code }) => this.end({ message, code });
  }

  addCursor(): SocketCursor {
    const cursor = new SocketCursor(() => this.#owner.gate());
    this.#cursors.add(cursor);
    void cursor.released.then(() => this.#cursors.delete(cursor));
    return cursor;
  }

  /** It is used: until `pause`, its time does not run. */
  begin(): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = undefined;
  }

  /** It is not used any more. Left so with a transaction or a cursor open, it would keep the WAL from being checkpointed. */
  pause(): void {
    this.begin();
    if (!this.#holdsSnapshot) return;
    const { clock, streamIdleTimeoutMs } = this.#owner;
    this.#idleTimer = clock.startTimer(streamIdleTimeoutMs, () => {
      // A client that is still reading its answers has not left it.
      if (this.#owner.gate() !== undefined) this.pause();
      else if (this.#holdsSnapshot) this.end(EXPIRED);
    });
  }

  get #holdsSnapshot(): boolean {
    if (this.#sql === undefined) return false;
    return !this.#sql.isAutocommit || [...this.#cursors].some(({ isReading }) => isReading);
  }

  /** Closes its cursors, each when what was asked of it before is done. */
  dropCursors(): void {
    for (const cursor of this.#cursors) cursor.lane.push(() => cursor.close());
  }

  /** Closes it for good. What is asked of it from now on is answered with the reason. */
  end({ message, code }: HranaError): void {
    this.#reason = new SocketRefusal(message, code ?? "STREAM_CLOSED");
    this.close();
  }

  /** Ends it where it may do more than a new grant allows. */
  restrict({ access }: AccessGrant): void {
    if (this.#sql === undefined || allows(access, this.#access)) return;
    this.end({
      message: "the latest hello allows less than this stream was opened for",
      code: "ACCESS_CHANGED",
    });
  }

  /** Rolls back and closes at once, its cursors as well. */
  close(): void {
    this.#isClosed = true;
    this.begin();
    const sql = this.#sql;
    this.#sql = undefined;
    if (sql !== undefined) sql.onEnd = undefined;
    sql?.close();
    for (const cursor of this.#cursors) cursor.close();
  }
}
