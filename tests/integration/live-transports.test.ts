import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { getRequestListener } from "@hono/node-server";
import { linkStreams } from "@tributary/live";
import { createSyncServer, type SyncServerOptions, staticTokens } from "@tributary/server";
import { type CapturedDatabase, openCapturedDatabase } from "@tributary/streams";
import {
  createDuplexChannel,
  createEventStreamAcceptor,
  createEventStreamConnect,
  createMemoryChannels,
  createPortChannel,
} from "@tributary/transports";
import { expect, onTestFinished, test } from "vitest";
import { startLiveServer } from "../support/live-server.js";
import { replicaOf } from "../support/replicas.js";
import { untilLive, untilRows, untilStatus } from "../support/status.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** Real threads, processes and sockets; what is built is run in them. */
const CHILD = fileURLToPath(new URL("../support/transports-child.mjs", import.meta.url));
const TOKEN = "a-token-of-sixteen-characters";
const CREATE = "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)";

function openLinked(): CapturedDatabase {
  const streams = openCapturedDatabase({ path: join(temporaryDirectory(), "here.db"), name: "here" });
  onTestFinished(() => streams.close());
  return streams;
}

/** Says "ping", and waits until the other end of the link has answered. */
async function pingPong(streams: CapturedDatabase): Promise<void> {
  const answered = new Promise<void>((resolve) => {
    streams.onCommit(() => {
      if (streams.db.prepare("SELECT body FROM t ORDER BY id").pluck().all().join() === "ping,pong")
        resolve();
    });
  });
  streams.db.exec(`${CREATE}; INSERT INTO t VALUES (1, 'ping')`);
  await answered;
}

test("another thread has a live replica and a link, each over a MessagePort, and ends with them", async () => {
  const server = startLiveServer();
  const [toReplica, toLink] = [new MessageChannel(), new MessageChannel()];
  server.sync.acceptChannel(createPortChannel(toReplica.port1));
  const streams = openLinked();
  const link = linkStreams(createPortChannel(toLink.port1), { streams });
  const worker = new Worker(CHILD, {
    execArgv: [],
    workerData: { directory: temporaryDirectory(), replicaPort: toReplica.port2, linkPort: toLink.port2 },
    transferList: [toReplica.port2, toLink.port2],
  });
  const failed = once(worker, "error").then(([error]) => Promise.reject(error));
  const ended = once(worker, "exit");
  onTestFinished(() => void worker.terminate());

  const transport = async () => {
    const [own, other] = createMemoryChannels();
    server.sync.acceptChannel(other);
    return own;
  };
  const here = await replicaOf(null, { transport, live: true });
  here.db.exec(`${CREATE}; INSERT INTO t VALUES (1, 'ping')`);
  const both = Promise.all([
    untilRows(here, "SELECT body FROM t ORDER BY id", [["ping"], ["pong"]]),
    pingPong(streams),
  ]);
  await Promise.race([both, failed]);

  link.close();
  await server.close();
  expect((await Promise.race([ended, failed]))[0]).toBe(0);
});

test("another process has a link over its standard streams, and ends with it", async () => {
  const child = spawn(process.execPath, [CHILD, temporaryDirectory()], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const streams = openLinked();
  const channel = createDuplexChannel(Duplex.from({ readable: child.stdout, writable: child.stdin }));
  const link = linkStreams(channel, { streams });
  await pingPong(streams);
  await link.flush();
  link.close();
  expect(await ended).toEqual([0, null]);
});

async function startEventStreams(options: Partial<SyncServerOptions> = {}): Promise<{ url: string }> {
  const sync = createSyncServer({
    dataDirectory: temporaryDirectory(),
    createOnUse: true,
    maxWorkers: 0,
    ...options,
  });
  const acceptor = createEventStreamAcceptor({
    onChannel: (channel) => sync.acceptChannel(channel, { database: "notes" }),
  });
  const http = createServer(getRequestListener((request) => acceptor.fetch(request)));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    acceptor.close();
    await sync.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/channel` };
}

test("two replicas are live over server-sent events, and let in by the token of their hello", async () => {
  const { url } = await startEventStreams({
    authorize: staticTokens([{ token: TOKEN, access: "write", databases: ["notes"] }]),
  });
  const transport = createEventStreamConnect({ url });
  const [one, other] = await Promise.all(
    [1, 2].map(() => replicaOf(null, { transport, live: true, authToken: TOKEN })),
  );
  if (one === undefined || other === undefined) return expect.fail("two replicas");
  await Promise.all([untilLive(one), untilLive(other)]);
  one.db.exec(`${CREATE}; INSERT INTO t VALUES (1, 'here')`);
  await untilRows(other, "SELECT name FROM sqlite_schema WHERE name = 't'", [["t"]]);
  await untilRows(other, "SELECT body FROM t", [["here"]]);
  other.db.exec("UPDATE t SET body = 'there'");
  await untilRows(one, "SELECT body FROM t", [["there"]]);
  await untilStatus(other, ({ committed, acknowledged }) => committed === acknowledged);

  await expect(replicaOf(null, { transport, live: true, authToken: "stolen" })).rejects.toMatchObject({
    code: "unauthorized",
  });
});
