import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type Channel, SyncError } from "@tributary/core";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { ManualLiveClock } from "../../../tests/support/manual-live-clock.js";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import {
  type ChannelUpgradeOptions,
  createWebSocketConnect,
  toChannelUpgradeListener,
} from "../src/index.js";
import { type SocketServer, socketServer } from "./support/socket-server.js";

const NEVER = new AbortController().signal;

interface Hub {
  readonly server: SocketServer;
  readonly accepted: (readonly [Channel, IncomingMessage])[];
  /** Targets of upgrades that were left to the app. */
  readonly left: string[];
}

async function startHub(options: Partial<ChannelUpgradeOptions> = {}): Promise<Hub> {
  const server = await socketServer({ isPlain: true });
  const hub: Hub = { server, accepted: [], left: [] };
  const listener = toChannelUpgradeListener(
    (channel, request) => void hub.accepted.push([channel, request]),
    {
      path: "/sync",
      ...options,
    },
  );
  server.http.on("upgrade", (request, connection, head) => {
    if (listener(request, connection, head)) return;
    hub.left.push(request.url ?? "");
    expect(connection.listenerCount("error")).toBe(0);
    connection.end("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n");
  });
  return hub;
}

async function codeOf(server: SocketServer, path: string, subprotocol?: string): Promise<string> {
  const own = subprotocol === undefined ? {} : { subprotocol };
  const failure = await createWebSocketConnect({ url: server.url + path, ...own })(NEVER).catch(
    (error: unknown) => error,
  );
  if (!(failure instanceof SyncError)) return "open";
  return `${failure.details.status} ${failure.message.slice(failure.message.indexOf("): ") + 3)}`;
}

test("its own path becomes a channel, the rest is left untouched", async () => {
  const hub = await startHub();
  const channel = await createWebSocketConnect({ url: `${hub.server.url}/sync?db=a` })(NEVER);
  const [accepted, request] = hub.accepted[0] ?? expect.fail("a channel is accepted");
  expect(request.url).toBe("/sync?db=a");
  const { log, untilCount } = recordChannel(accepted);
  channel.send(Buffer.from("hello"));
  await untilCount(1);
  expect(log).toEqual(["message hello"]);

  const others = ["/", "/sync/", "/sync/more", "/syncer", "/chat?path=/sync"];
  for (const path of others) expect(await codeOf(hub.server, path)).toContain("418");
  expect(hub.left).toEqual(others);
  expect(hub.accepted).toHaveLength(1);
});

test("who is not authorized is told so, and who cannot be", async () => {
  const answers: (boolean | Error)[] = [false, new Error("no keys"), true];
  const hub = await startHub({
    authorize: async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer === true;
    },
  });
  expect(await codeOf(hub.server, "/sync")).toBe("401 access is denied");
  expect(await codeOf(hub.server, "/sync")).toBe("500 internal error");
  expect(hub.accepted).toHaveLength(0);
  expect(await codeOf(hub.server, "/sync")).toBe("open");
});

test("another subprotocol is refused, none is let in", async () => {
  const hub = await startHub();
  expect(await codeOf(hub.server, "/sync", "chat")).toBe("400 the subprotocol must be tributary1");
  const bare = new WebSocket(`${hub.server.url}/sync`);
  await once(bare, "open");
  expect(bare.protocol).toBe("");
  expect(
    await codeOf(await startHub({ subprotocol: "chat" }).then(({ server }) => server), "/sync", "chat"),
  ).toBe("open");
});

test("sockets are counted, those that are being authorized too", async () => {
  let allow = (): void => {};
  const hub = await startHub({
    maxSockets: 1,
    authorize: () =>
      new Promise((resolve) => {
        allow = () => resolve(true);
      }),
  });
  const first = createWebSocketConnect({ url: `${hub.server.url}/sync` })(NEVER);
  await once(hub.server.http, "upgrade");
  expect(await codeOf(hub.server, "/sync")).toBe("503 too many sockets: try again later");
  allow();
  const channel = await first;
  expect(await codeOf(hub.server, "/sync")).toBe("503 too many sockets: try again later");
  const connection = hub.accepted[0]?.[1].socket ?? expect.fail("it was accepted");
  const ended = once(connection, "close");
  channel.close();
  await ended;
  const again = createWebSocketConnect({ url: `${hub.server.url}/sync` })(NEVER);
  await once(hub.server.http, "upgrade");
  allow();
  await again;
});

test("a first message that is too long, or does not come, cuts the socket off", async () => {
  const clock = new ManualLiveClock();
  const hub = await startHub({ maxFirstMessageBytes: 1_000, firstMessageTimeoutMs: 5_000, clock });
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`${hub.server.url}/sync`);
    socket.on("error", () => {});
    await once(socket, "open");
    return socket;
  };
  const long = await open();
  long.send(new Uint8Array(6_000), { fin: false });
  expect((await once(long, "close"))[0]).toBe(1006);

  const [silent, good] = [await open(), await open()];
  const { untilCount } = recordChannel(hub.accepted[2]?.[0] as Channel);
  good.send("x".repeat(1), { binary: true });
  await untilCount(1);
  good.send(new Uint8Array(100_000));
  await untilCount(2);
  clock.advance(5_000);
  expect((await once(silent, "close"))[0]).toBe(1006);
  expect(clock.timerCount).toBe(0);
  expect(good.readyState).toBe(WebSocket.OPEN);
});

test.each(["sync", "", "/sync?x", "/a#b"])("%j is no path", (path) => {
  expect(() => toChannelUpgradeListener(() => {}, { path })).toThrow(SyncError);
});
