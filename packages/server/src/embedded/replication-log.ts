import {
  checkHelloRequest,
  decodeLogOffset,
  encodeFrameList,
  encodeFrameStream,
  encodeHelloAnswer,
  GRPC_OK_TRAILERS,
  GRPC_STATUS,
} from "@tributary/wire";
import type { PulledBody } from "../http/pulled-body.js";
import { catchUp } from "../pages/open-pull.js";
import { streamBatches } from "../pages/stream-batches.js";
import type { RouteContext } from "../routes/route-context.js";
import { frameOf, logIdOf } from "./frame-position.js";
import { GrpcError } from "./grpc-error.js";
import { LogPages } from "./log-pages.js";

/** Frames of a stream that are read at once: 256 KiB. */
const PIECE_FRAMES = 64;

/**
 * `Hello`: which log there is, and how far it goes. Everything that is said here of a frame can be had by `BatchLogEntries`
 * at once: a client asks until it has it.
 */
export async function answerHello(
  message: Uint8Array,
  { lease, embedded }: RouteContext,
): Promise<Uint8Array> {
  checkHelloRequest(message);
  const { log } = lease.database;
  await catchUp(lease.database);
  const logId = logIdOf(log);
  return encodeHelloAnswer({
    logId,
    sessionToken: embedded.sessions.tokenOf(lease.name, logId),
    currentFrame: log.databaseSize === 0 ? undefined : frameOf(log.current),
  });
}

/** `BatchLogEntries`: what has changed since a frame, as one transaction; nothing where nothing has. */
export async function answerBatchLogEntries(message: Uint8Array, context: RouteContext): Promise<Uint8Array> {
  const pages = await openLogPages(message, context);
  try {
    if (pages.isBatch) return encodeFrameList(pages.batch());
    throw new GrpcError(GRPC_STATUS.failedPrecondition, "NEED_SNAPSHOT");
  } finally {
    pages.end();
  }
}

/** `Snapshot`: the same, however much it is, read when the client has taken what came before. */
export async function answerSnapshot(message: Uint8Array, context: RouteContext): Promise<PulledBody> {
  const pages = await openLogPages(message, context);
  const letGo = context.hold();
  let isEnded = false;
  const nextPiece = (): Uint8Array | undefined => {
    const frames = pages.next(PIECE_FRAMES);
    if (frames !== undefined) return encodeFrameStream(frames);
    if (isEnded) return undefined;
    isEnded = true;
    return GRPC_OK_TRAILERS;
  };
  return streamBatches(context.lease.database, [], nextPiece, () => {
    pages.end();
    letGo();
  });
}

/** Throws `GrpcError` NO_HELLO for a client that has not seen which log there is. */
async function openLogPages(
  message: Uint8Array,
  { request, lease, embedded }: RouteContext,
): Promise<LogPages> {
  const nextOffset = decodeLogOffset(message);
  const { database, name } = lease;
  await catchUp(database);
  const token = request.header("x-session-token") ?? "";
  if (!embedded.sessions.isValid(token, name, logIdOf(database.log)))
    throw new GrpcError(GRPC_STATUS.failedPrecondition, "NO_HELLO");
  return new LogPages(database, nextOffset);
}
