import { encodeCurrentFrame, findProxyClient, GRPC_STATUS } from "@tributary/wire";
import type { RouteContext } from "../routes/route-context.js";
import type { ProxyWork } from "../sql-host/run-proxy-work.js";
import { frameOf } from "./frame-position.js";
import { GrpcError } from "./grpc-error.js";

/** Clients call themselves by a UUID. */
const MAX_CLIENT_LENGTH = 64;

/** `Execute`: statements of a client, on its connection. Failures of SQL are results. */
export async function answerExecute(body: Uint8Array, context: RouteContext): Promise<Uint8Array> {
  const results = await run("execute", body, context);
  const { database } = context.lease;
  // It has been run by now, so nothing may fail any more: the client would run it again.
  await database.readAhead();
  database.trySync();
  const { log } = database;
  if (log.databaseSize === 0) return results;
  return Buffer.concat([results, encodeCurrentFrame(frameOf(log.current))]);
}

/** `Describe`: what a statement takes and gives. */
export async function answerDescribe(body: Uint8Array, context: RouteContext): Promise<Uint8Array> {
  return run("describe", body, context);
}

/** `Disconnect`: a client needs its connection no more. */
export async function answerDisconnect(body: Uint8Array, context: RouteContext): Promise<Uint8Array> {
  await context.embedded.connections.disconnect(context, clientOf(body));
  return new Uint8Array();
}

function run(type: ProxyWork["type"], body: Uint8Array, context: RouteContext): Promise<Uint8Array> {
  const namesFromOne = looksForNamesFromOne(context.request.header("x-libsql-client-version") ?? "");
  return context.embedded.connections.run(context, clientOf(body), { type, body, namesFromOne });
}

/** Whether it is a version that is known to have that fault; one to come may have been mended. */
function looksForNamesFromOne(clientVersion: string): boolean {
  const match = /^libsql-rpc-0\.([0-9]{1,6})\.([0-9]{1,6})$/.exec(clientVersion);
  if (match === null) return false;
  const minor = Number(match[1]);
  return minor < 9 || (minor === 9 && Number(match[2]) <= 30);
}

function clientOf(body: Uint8Array): string {
  const client = findProxyClient(body);
  if (client !== "" && client.length <= MAX_CLIENT_LENGTH) return client;
  throw new GrpcError(
    GRPC_STATUS.invalidArgument,
    `client_id must be a text of 1 to ${MAX_CLIENT_LENGTH} characters`,
  );
}
