import type { PageBatch, ProtocolIo } from "@tributary/core";
import { createLiveClient } from "@tributary/live";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createWebSocketConnect } from "@tributary/protocol-websocket";

/** By which way a subscriber is told of commits. */
export type Subscription = "websocket" | "long-poll";

/** Longer than anything is measured for. */
const WAIT_MS = 300_000;

/** A client that is told of each commit by its pages, and keeps nothing: what there is between a live replica and its server. */
export interface Subscriber {
  end(): Promise<void>;
}

/** Resolves when it has all there is, and waits for more. */
export async function subscribe(
  subscription: Subscription,
  url: string,
  onPages: (batch: PageBatch) => void,
): Promise<Subscriber> {
  const { io, close } = subscription === "websocket" ? overWebSocket(url) : overHttp(url);
  let revision = await pull(io, undefined, () => {});
  let isOver = false;
  const follow = async (): Promise<void> => {
    try {
      while (!isOver) revision = await pull(io, revision, onPages);
    } catch (error) {
      if (!isOver) throw error;
    }
  };
  // Nobody waits for it: should it fail, the process ends, and with it the run.
  void follow();
  return {
    async end() {
      isOver = true;
      await close();
    },
  };
}

async function pull(
  io: ProtocolIo,
  clientRevision: string | undefined,
  onPages: (batch: PageBatch) => void,
): Promise<string> {
  const { pull: handle, header } = await io.startPull(
    clientRevision === undefined ? { longPollTimeoutMs: 0 } : { clientRevision, longPollTimeoutMs: WAIT_MS },
  );
  for (;;) {
    const batch = await io.receivePages(handle);
    if (batch === undefined) break;
    onPages(batch);
  }
  await io.endPull(handle);
  return header.revision;
}

function overWebSocket(url: string): { io: ProtocolIo; close(): Promise<void> } {
  const client = createLiveClient({ connect: createWebSocketConnect({ url }), endpoint: url });
  return { io: client.replica(), close: () => client.close() };
}

function overHttp(url: string): { io: ProtocolIo; close(): Promise<void> } {
  const io = createHttpProtocol({ url });
  return { io, close: () => io.close() };
}
