import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { delimit, encodePageMessage, encodePullUpdatesHeader, type PullUpdatesHeader } from "@tributary/wire";

/** What a request brought. */
interface SeenRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Answers one request. */
export type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** A remote on the loopback interface that gives its answers in order, the last one again and again. */
export interface TestRemote {
  readonly url: string;
  readonly requests: SeenRequest[];
  answers: Answer[];
  close(): Promise<void>;
}

export async function startRemote(): Promise<TestRemote> {
  const requests: SeenRequest[] = [];
  const server: Server = createServer(async (message, response) => {
    const parts: Buffer[] = [];
    for await (const part of message) parts.push(part as Buffer);
    const request = { url: message.url ?? "", headers: message.headers, body: Buffer.concat(parts) };
    requests.push(request);
    const answer = remote.answers[Math.min(requests.length, remote.answers.length) - 1] as Answer;
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const remote: TestRemote = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return remote;
}

export const PROTOBUF = { "content-type": "application/protobuf" };

export const page = (fill: number): Uint8Array => new Uint8Array(4096).fill(fill);

export function header(databaseSize: number, more: Partial<PullUpdatesHeader> = {}): Uint8Array {
  return delimit(
    encodePullUpdatesHeader({
      serverRevision: "r1",
      databaseSize,
      encoding: "raw",
      applyMode: "incremental",
      protocol: "pages",
      ...more,
    }),
  );
}

/** A whole, good pull of pages whose bytes are their ids. */
export function pullBody(databaseSize: number, pageIds: readonly number[]): Buffer {
  return Buffer.concat([header(databaseSize), ...pageIds.map((id) => encodePageMessage(id, page(id)))]);
}

export const sendPull =
  (...parts: readonly Uint8Array[]): Answer =>
  (response) => {
    response.writeHead(200, PROTOBUF);
    response.end(Buffer.concat(parts));
  };

export const sendStatus =
  (status: number, headers: Record<string, string> = {}, body = ""): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "text/plain", ...headers });
    response.end(body);
  };

export const sendJson =
  (body: unknown): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };

/** Sends the start of an answer and closes the connection. */
export const cutAfter =
  (start: Uint8Array, headers: Record<string, string> = PROTOBUF): Answer =>
  (response) => {
    response.writeHead(200, headers);
    response.write(start, () => setImmediate(() => response.destroy()));
  };

/** Closes the connection without an answer. */
export const hangUp: Answer = (response) => response.destroy();

/** Never answers. */
export const sayNothing: Answer = () => {};
