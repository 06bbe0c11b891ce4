import { createLiveClient, type LiveClient, systemClock } from "@tributary/live";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createLibsqlProtocol } from "@tributary/protocol-libsql";
import { createWebSocketConnect } from "@tributary/protocol-websocket";
import type { ReplicaOptions } from "../replica-options.js";
import { httpOptions } from "./http-options.js";
import type { OpenedRemote, ReplicaRemote } from "./replica-remote.js";
import { SwitchingRemote } from "./switching-remote.js";

/**
 * Makes the remote that the options ask for. Connects to nothing yet. Throws `SyncError` `invalid-option`.
 *
 * @param path The replica's database, beside which a remote keeps files of its own if it has any.
 */
export function openRemote(options: ReplicaOptions, path: string): OpenedRemote {
  const { transport, live = false, webSocket = options.fetch === undefined } = options;
  if (transport !== undefined) {
    const remote =
      typeof transport === "function" ? ownedRemote(openClient(options, transport, "The remote")) : transport;
    return { remote, transport: () => "custom" };
  }
  if (options.protocol === "libsql") {
    const remote = createLibsqlProtocol({ ...httpOptions(options), mirrorPath: `${path}-mirror` });
    return { remote, transport: () => "http" };
  }
  const http = createHttpProtocol(httpOptions(options));
  if (!live || !webSocket) return { remote: http, transport: () => "http" };
  const { url, headers } = options;
  const connect = createWebSocketConnect({
    url: url === null ? () => null : url,
    ...(headers !== undefined && { headers }),
  });
  const remote = new SwitchingRemote({
    connect,
    createClient: (over) => openClient(options, over, endpointOf(url)),
    http,
    clock: systemClock,
  });
  return { remote, transport: () => remote.transport };
}

function openClient(
  { authToken, clientName }: ReplicaOptions,
  connect: Parameters<typeof createLiveClient>[0]["connect"],
  endpoint: string,
): LiveClient {
  return createLiveClient({
    connect,
    endpoint,
    ...(authToken !== undefined && { authToken }),
    ...(clientName !== undefined && { clientName }),
  });
}

/** A remote that is the only one of its client. */
function ownedRemote(client: LiveClient): ReplicaRemote {
  const remote = client.replica();
  return {
    startPull: (request) => remote.startPull(request),
    receivePages: (pull) => remote.receivePages(pull),
    endPull: (pull) => remote.endPull(pull),
    runRemoteBatch: (batch) => remote.runRemoteBatch(batch),
    withSignal: (signal) => remote.withSignal(signal),
    wake: () => remote.wake(),
    get bytesSent() {
      return remote.bytesSent;
    },
    get bytesReceived() {
      return remote.bytesReceived;
    },
    close: () => client.close(),
  };
}

/** For messages: no query. */
function endpointOf(url: ReplicaOptions["url"]): string {
  return typeof url === "string" ? url.replace(/[?#].*$/s, "") : "The remote";
}
