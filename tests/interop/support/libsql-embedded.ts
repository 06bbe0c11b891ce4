import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createSyncServer, type SyncServer, type SyncServerOptions, toNodeListener } from "@tributary/server";
import { beforeAll, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.js";

const CLIENT = new URL("./libsql-embedded-client.mjs", import.meta.url);

/** What the client said of a failure. */
class ReplicaFailure extends Error {
  override readonly name = "ReplicaFailure";
  readonly code: string | undefined;
  readonly rawCode: number | undefined;

  constructor({ message, code, rawCode }: { message: string; code?: string; rawCode?: number }) {
    super(message);
    this.code = code;
    this.rawCode = rawCode;
  }
}

/** A process with an embedded replica: see `libsql-embedded-client.mjs` for the calls there are. */
export interface EmbeddedReplica {
  call(name: string, ...args: readonly unknown[]): Promise<unknown>;
}

/** A process for all tests of a file: starting one takes longer than most of what is done with it. */
export function replicaForFile(): EmbeddedReplica {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let running: { readonly child: ChildProcess; readonly exited: Promise<Error> } | undefined;
  let calls = 0;
  beforeAll(() => {
    // What the client writes of its failures is not for the reader of test reports.
    const stdio: StdioOptions = ["ignore", "ignore", "inherit", "ipc"];
    const child = fork(CLIENT, { execArgv: [], serialization: "advanced", stdio });
    child.on("message", (message: { id: number; result?: unknown; error?: { message: string } }) => {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error === undefined) call?.resolve(message.result);
      else call?.reject(new ReplicaFailure(message.error));
    });
    const exited = once(child, "exit").then(([code, signal]) => {
      const error = new Error(`the client's process ended with ${String(code ?? signal)}`);
      for (const call of waiting.values()) call.reject(error);
      return error;
    });
    running = { child, exited };
    return async () => {
      child.kill("SIGKILL");
      await exited;
    };
  });
  return {
    async call(name, ...args) {
      if (running === undefined) throw new Error("The process runs during tests only.");
      const { child, exited } = running;
      if (!child.connected) throw await exited;
      return new Promise((resolve, reject) => {
        const id = ++calls;
        waiting.set(id, { resolve, reject });
        child.send({ id, name, args });
      });
    },
  };
}

/** A server on a port of its own, which announces the protocol of embedded replicas. It can be stopped and started again. */
export interface EmbeddedServer {
  readonly url: string;
  readonly server: SyncServer;
  /** Method and path of the requests so far. */
  readonly requests: string[];
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startEmbeddedServer(given: Partial<SyncServerOptions> = {}): Promise<EmbeddedServer> {
  const options: SyncServerOptions = {
    maxWorkers: 0,
    libsql: { probe: "embedded" },
    ...(given.dataDirectory === undefined ? { path: join(temporaryDirectory(), "server.db") } : {}),
    ...given,
  };
  const requests: string[] = [];
  let server = createSyncServer(options);
  let listener = toNodeListener(server);
  const http = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void listener(request, response);
  });
  const stop = async (): Promise<void> => {
    await server.close();
    http.closeAllConnections();
  };
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await stop();
    await new Promise((resolve) => http.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    get server() {
      return server;
    },
    requests,
    stop,
    async start() {
      server = createSyncServer(options);
      listener = toNodeListener(server);
    },
  };
}
