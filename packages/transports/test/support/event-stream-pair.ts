import type { Channel } from "@tributary/core";
import { expect } from "vitest";
import { ManualLiveClock } from "../../../../tests/support/manual-live-clock.js";
import {
  createEventStreamAcceptor,
  createEventStreamConnect,
  type EventStreamAcceptor,
  type EventStreamAcceptorOptions,
  type EventStreamConnectOptions,
} from "../../src/index.js";

export const NEVER = new AbortController().signal;
export const URL_OF_CHANNELS = "http://sync.test/channel";

export type Answer = (request: Request, go: (request: Request) => Promise<Response>) => Promise<Response>;

export interface Pair {
  readonly client: Channel;
  readonly server: Channel;
  readonly acceptor: EventStreamAcceptor;
  readonly requests: Request[];
  readonly clock: ManualLiveClock;
}

/** A client and a server in one process; `onRequest` is the network between them. */
export async function pairOf(
  onRequest: Answer = (request, go) => go(request),
  acceptorOptions: Partial<EventStreamAcceptorOptions> = {},
  connectOptions: Partial<EventStreamConnectOptions> = {},
): Promise<Pair> {
  const clock = new ManualLiveClock();
  const channels: Channel[] = [];
  const requests: Request[] = [];
  const acceptor = createEventStreamAcceptor({
    onChannel: (channel) => channels.push(channel),
    clock,
    ...acceptorOptions,
  });
  const connect = createEventStreamConnect({
    url: URL_OF_CHANNELS,
    clock,
    fetch: (input, init) => {
      const request = new Request(input as URL, init);
      requests.push(request);
      return onRequest(request, (given) => acceptor.fetch(given));
    },
    ...connectOptions,
  });
  const client = await connect(NEVER);
  return { client, server: channels[0] ?? expect.fail("a channel"), acceptor, requests, clock };
}

/** Sends the acceptor a request. */
export const ask = (acceptor: EventStreamAcceptor, init: RequestInit = {}): Promise<Response> =>
  acceptor.fetch(new Request(URL_OF_CHANNELS, init));
