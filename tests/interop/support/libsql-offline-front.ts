import { createServer, type IncomingMessage, request as requestOf, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A request as the front saw it, once it is answered. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly status: number | undefined;
}

/** What happens to a request on its way. */
export type Fault =
  /** The connection breaks before the server hears of it. */
  | { readonly type: "unheard" }
  /** The server carries it out, and its answer is lost. */
  | { readonly type: "lost" }
  /** Half of the answer's body comes. */
  | { readonly type: "truncated" }
  /** Something in between answers in the server's place. */
  | {
      readonly type: "answer";
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The bytes of the body are changed on the way. */
  | { readonly type: "changed"; change(body: Buffer): Buffer };

/** What a fault is chosen for. */
export interface FaultRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

/** An HTTP server in front of another one, where requests and answers get lost, cut and changed. */
export class FaultyFront {
  readonly url: string;
  /** All requests, in their order. */
  readonly seen: SeenRequest[] = [];
  /** Decides about each request; undefined: nothing happens to it. */
  fault: (request: FaultRequest) => Fault | undefined = () => undefined;
  readonly #target: string | (() => Promise<string>);

  private constructor(url: string, target: string | (() => Promise<string>)) {
    this.url = url;
    this.#target = target;
  }

  /** Ended with the test. `target`: the URL of the server, or where to learn of it when there is one again. */
  static async start(target: string | (() => Promise<string>)): Promise<FaultyFront> {
    let front: FaultyFront | undefined;
    const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
      void (front as FaultyFront).#pass(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    front = new FaultyFront(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, target);
    return front;
  }

  /** The next `count` requests that `matches` meet the fault, and no others. */
  once(matches: (request: FaultRequest) => boolean, fault: Fault, count = 1): void {
    let left = count;
    this.fault = (request) => {
      if (left === 0 || !matches(request)) return undefined;
      left--;
      return fault;
    };
  }

  /** What came since the last call, as `GET /info 200`. */
  takeSeen(): string[] {
    return this.seen.splice(0).map(({ method, url, status }) => `${method} ${url} ${status ?? "-"}`);
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", socket } = request;
    const body = await bodyOf(request);
    if (body === undefined) return;
    const fault = this.fault({ method, url });
    const see = (status: number | undefined): void => void this.seen.push({ method, url, status });
    if (fault?.type === "unheard") {
      see(undefined);
      socket.destroy();
      return;
    }
    if (fault?.type === "answer") {
      see(fault.status);
      response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
      return;
    }
    const sent = fault?.type === "changed" ? fault.change(body) : body;
    const target = typeof this.#target === "string" ? this.#target : await this.#target();
    const answer = await forward(`${target}${url}`, request, sent);
    see(answer?.status);
    if (answer === undefined || fault?.type === "lost") {
      socket.destroy();
      return;
    }
    response.writeHead(answer.status, { ...answer.headers, "content-length": answer.body.length });
    if (fault?.type !== "truncated") response.end(answer.body);
    else cutInHalf(response, socket, answer.body);
  }
}

function cutInHalf(response: ServerResponse, socket: Socket, body: Buffer): void {
  response.write(body.subarray(0, body.length >> 1), () => socket.destroy());
}

/** Undefined where the client went away. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const part of request) parts.push(part as Buffer);
  } catch {
    // Killed in the middle of what it sent: there is nobody to tell.
    return undefined;
  }
  return Buffer.concat(parts);
}

interface ForwardedAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Undefined where the server died over it. */
function forward(
  url: string,
  { method, headers }: IncomingMessage,
  body: Buffer,
): Promise<ForwardedAnswer | undefined> {
  return new Promise((resolve) => {
    const { connection: _connection, ...kept } = headers;
    const outgoing = requestOf(url, { method, headers: kept, agent: false }, (answer) => {
      bodyOf(answer).then(
        (received) => {
          const { "transfer-encoding": _chunked, connection: _ended, ...answered } = answer.headers;
          if (received === undefined || !answer.complete) resolve(undefined);
          else resolve({ status: answer.statusCode ?? 500, headers: answered, body: received });
        },
        resolve.bind(undefined, undefined),
      );
    });
    outgoing.on("error", () => resolve(undefined));
    outgoing.end(body);
  });
}
