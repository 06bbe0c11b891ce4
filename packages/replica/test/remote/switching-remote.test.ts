import { type Channel, type PullHandle, SyncError, type SyncErrorCode } from "@tributary/core";
import type { Connect, LiveClient } from "@tributary/live";
import { expect, it } from "vitest";
import type { ReplicaRemote } from "../../src/remote/replica-remote.js";
import { SwitchingRemote } from "../../src/remote/switching-remote.js";
import { StageClock } from "../live/support/driver-stage.js";

const PULL = { clientRevision: "r0", longPollTimeoutMs: 30_000 };
const ONCE = { steps: [], repeatable: false };

function failure(code: SyncErrorCode, status?: number): SyncError {
  return new SyncError(code, "it failed", status === undefined ? {} : { status });
}

/** A network on which sockets and requests work as a test says. */
class Stage {
  readonly clock = new StageClock();
  /** What came about, in order: `connect`, `socket pull 30000`, `http batch`, `close`. */
  readonly events: string[] = [];
  /** Why sockets cannot be opened, and why what is asked over them, or over HTTP, fails. */
  connectError: SyncError | undefined;
  socketError: SyncError | undefined;
  httpError: SyncError | undefined;
  onConnect: () => void = () => {};
  readonly remote: SwitchingRemote;

  constructor() {
    const http = this.#remoteOf("http", async () => {
      if (this.httpError !== undefined) throw this.httpError;
    });
    this.remote = new SwitchingRemote({
      connect: async () => {
        this.events.push("connect");
        this.onConnect();
        if (this.connectError !== undefined) throw this.connectError;
        return {} as Channel;
      },
      createClient: (connect) => this.#clientOf(connect),
      http,
      clock: this.clock,
    });
  }

  seen(): string[] {
    return this.events.splice(0);
  }

  async pull(): Promise<void> {
    const { pull } = await this.remote.startPull(PULL);
    expect(await this.remote.receivePages(pull)).toBeUndefined();
    await this.remote.endPull(pull);
  }

  /** Connects when something is asked for, as the live client does. */
  #clientOf(connect: Connect): LiveClient {
    let isOpen = false;
    const remote = this.#remoteOf("socket", async () => {
      if (!isOpen) await connect(new AbortController().signal);
      isOpen = true;
      if (this.socketError === undefined) return;
      if (this.socketError.blame === "network") isOpen = false;
      throw this.socketError;
    });
    return {
      replica: () => remote,
      get state() {
        return isOpen ? { state: "open" } : { state: "idle" };
      },
      close: async () => void this.events.push("close"),
    } as LiveClient;
  }

  #remoteOf(name: string, work: () => Promise<void>): ReplicaRemote {
    const remote: ReplicaRemote = {
      startPull: async ({ longPollTimeoutMs }) => {
        await work();
        this.events.push(`${name} pull ${longPollTimeoutMs}`);
        return { pull: 1 as PullHandle, header: { revision: "r1", databaseSize: 1, endpoint: name } };
      },
      receivePages: () => undefined,
      endPull: () => {},
      runRemoteBatch: async () => {
        await work();
        this.events.push(`${name} batch`);
        return [];
      },
      withSignal: () => remote,
      wake: () => void this.events.push(`${name} wake`),
      bytesSent: 1,
      bytesReceived: 2,
      close: async () => void this.events.push(`${name} closed`),
    };
    return remote;
  }
}

it("goes over a socket where there is one", async () => {
  const stage = new Stage();
  await stage.pull();
  await stage.remote.runRemoteBatch(ONCE);
  expect(stage.seen()).toEqual(["connect", "socket pull 30000", "socket batch"]);
  expect(stage.remote.transport).toBe("websocket");
});

it.each([
  ["a server that does not know of it", failure("unexpected-response", 404)],
  ["a proxy that refuses it", failure("unauthorized", 403)],
])("goes over HTTP for some minutes after %s", async (_what, error) => {
  const stage = new Stage();
  stage.connectError = error;
  await stage.pull();
  // Not waiting: only an answer tells that HTTP works.
  expect(stage.seen()).toEqual(["connect", "http pull 0", "close"]);
  expect(stage.remote.transport).toBe("http");
  await stage.clock.pass(299_000);
  await stage.pull();
  await stage.remote.runRemoteBatch(ONCE);
  expect(stage.seen()).toEqual(["http pull 1000", "http batch"]);
  stage.connectError = undefined;
  await stage.clock.pass(1_000);
  await stage.pull();
  expect(stage.seen()).toEqual(["connect", "socket pull 30000"]);
});

it("comes back soon from sockets that failed for no reason that was told, and later each time", async () => {
  const stage = new Stage();
  stage.connectError = failure("timeout");
  const waits: number[] = [];
  for (let round = 0; round < 12; round++) {
    await stage.pull();
    expect(stage.seen()).toContain("connect");
    let waited = 0;
    while (!stage.events.includes("connect")) {
      await stage.clock.pass(1_000);
      waited += 1;
      await stage.pull();
    }
    stage.seen();
    waits.push(waited);
    await stage.clock.pass(400_000);
  }
  expect(waits[0]).toBe(2);
  expect(Math.max(...waits)).toBe(300);
  expect(waits).toEqual([...waits].sort((left, right) => left - right));
});

it("takes nothing for blocked while HTTP does not work either", async () => {
  const stage = new Stage();
  stage.connectError = failure("unreachable");
  stage.httpError = failure("unreachable");
  await expect(stage.pull()).rejects.toBe(stage.httpError);
  stage.connectError = undefined;
  stage.seen();
  await stage.pull();
  expect(stage.seen()).toEqual(["connect", "socket pull 30000"]);
});

it("sends a batch over HTTP at once when no socket could be opened for it", async () => {
  const stage = new Stage();
  stage.connectError = failure("unexpected-response", 426);
  await stage.remote.runRemoteBatch(ONCE);
  expect(stage.seen()).toEqual(["connect", "http batch", "close"]);
});

it("never sends a batch again that may have been sent", async () => {
  const stage = new Stage();
  stage.socketError = failure("unreachable");
  await expect(stage.remote.runRemoteBatch(ONCE)).rejects.toBe(stage.socketError);
  expect(stage.seen()).toEqual(["connect", "close"]);
  // Sockets that open and bring nothing are blocked as well.
  await stage.remote.runRemoteBatch(ONCE);
  expect(stage.seen()).toEqual(["http batch"]);
});

it("tells a lost connection, and stays with sockets, when they have worked", async () => {
  const stage = new Stage();
  await stage.pull();
  stage.socketError = failure("unreachable");
  await expect(stage.pull()).rejects.toBe(stage.socketError);
  stage.socketError = undefined;
  stage.seen();
  await stage.pull();
  expect(stage.seen()).toEqual(["connect", "socket pull 30000"]);
});

it.each(["paused", "aborted", "invalid-option"] as const)("leaves %s to who asked", async (code) => {
  const stage = new Stage();
  stage.connectError = failure(code);
  await expect(stage.pull()).rejects.toBe(stage.connectError);
  expect(stage.seen()).toEqual(["connect"]);
});

it("does not take what the remote refuses for a blocked socket", async () => {
  const stage = new Stage();
  stage.socketError = failure("unauthorized");
  await expect(stage.pull()).rejects.toBe(stage.socketError);
  expect(stage.seen()).toEqual(["connect"]);
});

it("wakes both, and what was woken on one does not wait on the other", async () => {
  const stage = new Stage();
  stage.connectError = failure("timeout");
  stage.onConnect = () => stage.remote.wake();
  await stage.pull();
  await stage.pull();
  expect(stage.seen()).toEqual([
    "connect",
    "socket wake",
    "http wake",
    "http pull 0",
    "close",
    "http pull 2000",
  ]);
});

it("counts the bytes of all, closes all, and does nothing afterwards", async () => {
  const stage = new Stage();
  await stage.pull();
  expect([stage.remote.bytesSent, stage.remote.bytesReceived]).toEqual([2, 4]);
  await stage.remote.close();
  expect([stage.remote.bytesSent, stage.remote.bytesReceived]).toEqual([2, 4]);
  expect(stage.seen()).toEqual(["connect", "socket pull 30000", "close", "http closed"]);
  await expect(stage.pull()).rejects.toMatchObject({ code: "invalid-state" });
});
