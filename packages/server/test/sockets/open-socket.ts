import type { HranaError } from "@tributary/wire";
import { onTestFinished } from "vitest";
import type { AccessGrant } from "../../src/access/access.js";
import { acceptHranaSocket, type HranaSocket } from "../../src/sockets/hrana-socket.js";
import type { HelloAnswer, SocketHost, SocketLimits } from "../../src/sockets/socket-host.js";
import { ManualClock } from "../support/manual-clock.js";
import { FakeSocket } from "./fake-socket.js";
import { FakeStream } from "./fake-stream.js";

/** A server that lets everybody in, and what it was asked for. */
export class FakeHost implements SocketHost {
  readonly clock = new ManualClock();
  readonly limits: SocketLimits = {
    helloTimeoutMs: 1_000,
    maxMessageBytes: 1_000_000,
    maxStatements: 100,
    maxStreams: 4,
    streamIdleTimeoutMs: 500,
    sendStallTimeoutMs: 1_000,
  };
  readonly streams: FakeStream[] = [];
  readonly hellos: (string | undefined)[] = [];
  readonly grants: AccessGrant[] = [];
  readonly closes: unknown[] = [];
  helloAnswer: HelloAnswer | Promise<HelloAnswer> = { ok: true, grant: { access: "write" } };
  openError: unknown;
  /** Where it is set, opening a stream takes until it settles. */
  opening: Promise<void> | undefined;

  async hello(jwt: string | undefined): Promise<HelloAnswer> {
    this.hellos.push(jwt);
    return this.helloAnswer;
  }

  async openStream(grant: AccessGrant): Promise<FakeStream> {
    this.grants.push(grant);
    await this.opening;
    if (this.openError !== undefined) throw this.openError;
    const stream = new FakeStream();
    this.streams.push(stream);
    return stream;
  }

  onClose(error: unknown): void {
    this.closes.push(error);
  }

  refuse(error: HranaError): void {
    this.helloAnswer = { ok: false, error };
  }
}

/** A socket that was accepted. When the test has finished, it must have left no timer. */
export function openSocket(
  protocol = "hrana3",
  limits: Partial<SocketLimits> = {},
): { socket: FakeSocket; host: FakeHost; connection: HranaSocket } {
  const socket = new FakeSocket(protocol);
  const host = new FakeHost();
  Object.assign(host.limits, limits);
  const connection = acceptHranaSocket(socket, host);
  onTestFinished(() => {
    if (socket.closed === undefined) socket.emit("close");
    if (host.closes.length !== 1) throw new Error(`onClose was called ${host.closes.length} times`);
    if (host.clock.timerCount > 0) throw new Error("a socket has left a timer");
    if (host.streams.some(({ isClosed }) => !isClosed)) throw new Error("a socket has left a stream");
  });
  return { socket, host, connection };
}

/** The same, after a hello, with stream 1 open. */
export async function openStream(protocol?: string, limits?: Partial<SocketLimits>) {
  const opened = openSocket(protocol, limits);
  opened.socket.say({ type: "hello", jwt: null }, request(0, { type: "open_stream", stream_id: 1 }));
  await opened.socket.heard();
  const [stream] = opened.host.streams;
  if (stream === undefined) throw new Error("no stream was opened");
  return { ...opened, stream };
}

export function request(requestId: number, content: Record<string, unknown>): Record<string, unknown> {
  return { type: "request", request_id: requestId, request: content };
}

/** A request that runs one statement on stream 1. */
export function execute(requestId: number, sql: string, streamId = 1): Record<string, unknown> {
  return request(requestId, { type: "execute", stream_id: streamId, stmt: { sql } });
}

/** Which requests were answered, and with which error if it is one. */
export function outline(messages: readonly { readonly type: string }[]): string[] {
  return messages.map((message) => {
    if ("error" in message) {
      const { code } = message.error as HranaError;
      return "request_id" in message ? `${message.request_id} ${code}` : `${message.type} ${code}`;
    }
    return "request_id" in message ? `${message.request_id} ok` : message.type;
  });
}
