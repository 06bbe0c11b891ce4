import { encodeServerMessage, type HranaServerMessage } from "@tributary/wire";
import type { AccessGrant } from "../access/access.js";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { ServerTimer } from "../server-clock.js";
import { closeSocket } from "./close-socket.js";
import { ExpiryTimer } from "./expiry-timer.js";
import { MAX_HELLO_BYTES } from "./first-message-limit.js";
import { type HranaProtocol, hranaProtocolOf } from "./hrana-protocol.js";
import { HranaSession } from "./hrana-session.js";
import { type RawMessage, readMessage, takeMessage } from "./read-message.js";
import { SendGate } from "./send-gate.js";
import type { HelloAnswer, SocketHost } from "./socket-host.js";
import { CloseCode, SocketViolation } from "./socket-violation.js";
import type { SyncSocket } from "./sync-socket.js";

/** How many messages of one socket may be unanswered, and how many bytes of them in longest messages. */
const MAX_PENDING = 10_000;
const MAX_PENDING_MESSAGES = 4;
/** What may wait to be sent, bytes. Reached only by answers that were under way when the client ceased to read. */
const MAX_BUFFERED_BYTES = 256 * 1024 * 1024;

/** A socket that speaks Hrana. */
export interface HranaSocket {
  /** Closes it at once, with its streams. Calling it again does nothing. */
  close(code: number, reason: string): void;
  /** Takes nothing more, and closes it with 1001 when what came is answered. */
  finish(): void;
}

/**
 * Serves Hrana on a socket that is open. To be called before the socket can have received anything: messages that come
 * earlier are lost.
 */
export function acceptHranaSocket(socket: SyncSocket, host: SocketHost): HranaSocket {
  socket.binaryType = "arraybuffer";
  const protocol = hranaProtocolOf(socket.protocol);
  const connection = new HranaConnection(socket, protocol ?? { version: 1, format: "json" }, host);
  if (protocol === undefined) {
    const reason = "the subprotocol must be hrana3-protobuf, hrana3, hrana2 or hrana1";
    // Later, as with every other reason: whoever is told has the connection by then.
    queueMicrotask(() => connection.close(CloseCode.policy, reason));
  }
  return connection;
}

/** The frames of one socket: who may send what and when, and what is waiting. */
class HranaConnection implements HranaSocket {
  readonly #socket: SyncSocket;
  readonly #protocol: HranaProtocol;
  readonly #host: SocketHost;
  readonly #session: HranaSession;
  readonly #gate: SendGate;
  readonly #expiry: ExpiryTimer;
  readonly #helloTimer: ServerTimer;
  /** What the latest hello was granted. */
  #grant: AccessGrant | undefined;
  #isGreeting = false;
  /** What came while a hello is looked at. */
  readonly #inbox: RawMessage[] = [];
  #pending = 0;
  #pendingBytes = 0;
  #isFinishing = false;
  #isClosed = false;

  constructor(socket: SyncSocket, protocol: HranaProtocol, host: SocketHost) {
    const { clock, limits } = host;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#host = host;
    this.#gate = new SendGate({
      socket,
      clock,
      stallTimeoutMs: limits.sendStallTimeoutMs,
      onStall: () => this.close(CloseCode.tryAgainLater, "the client does not read what it is sent"),
    });
    this.#session = new HranaSession({
      protocol,
      clock,
      maxStreams: limits.maxStreams,
      streamIdleTimeoutMs: limits.streamIdleTimeoutMs,
      maxExpandedBytes: MAX_PENDING_MESSAGES * limits.maxMessageBytes,
      openStream: (grant) => host.openStream(grant),
      gate: () => this.#gate.pass(),
      fail: (error) => this.#fail(error),
    });
    this.#expiry = new ExpiryTimer(clock, () => this.#expire());
    this.#helloTimer = clock.startTimer(limits.helloTimeoutMs, () =>
      this.close(CloseCode.policy, "no hello came in time"),
    );
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", () => this.#end(undefined));
    // The socket says nothing more of it than that it is lost.
    socket.addEventListener("error", () => this.close(CloseCode.internal, "the connection is lost"));
  }

  close(code: number, reason: string): void {
    this.#closeSocket(code, reason, undefined);
  }

  finish(): void {
    this.#isFinishing = true;
    this.#closeIfFinished();
  }

  #receive(data: unknown): void {
    if (this.#isClosed || this.#isFinishing) return;
    try {
      const { maxMessageBytes } = this.#host.limits;
      const limit = this.#grant === undefined && !this.#isGreeting ? MAX_HELLO_BYTES : maxMessageBytes;
      const message = takeMessage(data, this.#protocol.format, Math.min(limit, maxMessageBytes));
      if (this.#pending >= MAX_PENDING) throw new SocketViolation("too many requests are not answered yet");
      if (this.#pendingBytes + message.bytes > MAX_PENDING_MESSAGES * maxMessageBytes) {
        throw new SocketViolation("the requests that are not answered yet are too long");
      }
      this.#pending += 1;
      this.#pendingBytes += message.bytes;
      if (this.#isGreeting) this.#inbox.push(message);
      else this.#handle(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Throws `SocketViolation`. */
  #handle(raw: RawMessage): void {
    const message = readMessage(raw, this.#host.limits.maxStatements);
    if (message.type === "hello") {
      this.#greet(message.jwt ?? undefined, raw);
      return;
    }
    if (this.#grant === undefined) throw new SocketViolation("the first message must be a hello");
    const { request_id, request } = message;
    this.#session.handle(request, (answer) => {
      this.#settle(
        raw,
        "error" in answer
          ? { type: "response_error", request_id, error: answer.error }
          : { type: "response_ok", request_id, ...answer },
      );
    });
  }

  #greet(jwt: string | undefined, raw: RawMessage): void {
    if (this.#grant !== undefined && this.#protocol.version < 2) {
      throw new SocketViolation("a second hello needs hrana2");
    }
    this.#helloTimer.cancel();
    this.#isGreeting = true;
    this.#host.hello(jwt).then(
      (answer) => this.#welcome(answer, raw),
      (error: unknown) => this.#fail(error),
    );
  }

  #welcome(answer: HelloAnswer, raw: RawMessage): void {
    if (this.#isClosed) return;
    if (!answer.ok) {
      this.#settle(raw, { type: "hello_error", error: answer.error });
      this.close(CloseCode.policy, "the hello was refused");
      return;
    }
    this.#isGreeting = false;
    this.#grant = answer.grant;
    this.#session.grant(answer.grant);
    this.#expiry.set(answer.grant.expiresAt);
    this.#settle(raw, { type: "hello_ok" });
    try {
      // One of them may be another hello.
      while (!this.#isGreeting && !this.#isClosed) {
        const next = this.#inbox.shift();
        if (next === undefined) break;
        this.#handle(next);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #expire(): void {
    // A hello that is being looked at decides.
    if (this.#isGreeting) return;
    this.close(CloseCode.policy, "the token has expired");
  }

  /** Answers a message. */
  #settle({ bytes }: RawMessage, answer: HranaServerMessage): void {
    if (this.#isClosed) return;
    this.#pending -= 1;
    this.#pendingBytes -= bytes;
    try {
      this.#socket.send(encodeServerMessage(answer, this.#protocol.format));
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.close(CloseCode.tryAgainLater, "the client does not read what it is sent");
    }
    this.#closeIfFinished();
  }

  #closeIfFinished(): void {
    if (this.#isFinishing && this.#pending === 0) this.close(CloseCode.goingAway, "the server is closing");
  }

  #fail(error: unknown): void {
    if (error instanceof SocketViolation) this.close(error.closeCode, error.message);
    // What a stream refuses as a whole, without a code for clients, breaks the protocol.
    else if (error instanceof HranaRequestError) this.close(CloseCode.policy, error.message);
    else this.#closeSocket(CloseCode.internal, "internal error", error);
  }

  #closeSocket(code: number, reason: string, error: unknown): void {
    if (this.#isClosed) return;
    this.#end(error);
    closeSocket(this.#socket, code, reason);
  }

  #end(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#helloTimer.cancel();
    this.#expiry.cancel();
    this.#gate.close();
    this.#inbox.length = 0;
    this.#session.close();
    this.#host.onClose(error);
  }
}
