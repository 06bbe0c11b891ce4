import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import {
  FRAME_HEADER_SIZE,
  FRAME_SIZE,
  frameOffset,
  readLibsqlMetadata,
  replicaFiles,
  SyncError,
} from "@tributary/core";
import {
  createFetchTransport,
  createUndiciTransport,
  HttpCaller,
  type HttpProtocolOptions,
  resolveOptions,
} from "@tributary/protocol-http";
import { FRAMES_PER_REQUEST, type FramesAnswer, LibsqlRemote } from "@tributary/protocol-libsql";

/** See `TakeoverHost.framesAtRemote`. */
export type FramesAtRemote = number | "other" | SyncError | undefined;

/** libSQL's own metadata files have about 70 bytes. */
const MOST_METADATA_BYTES = 4096;

/**
 * Where libSQL's client has left a replica: how much of its log the remote has, whatever the client has noted. It is asked
 * for the frames, which are compared with those of the log. Reads neither the database nor what is locked. What the remote
 * fails with is returned; rejects with `SyncError` `io-failed`.
 */
export async function findFramesAtRemote(
  path: string,
  options: HttpProtocolOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<FramesAtRemote> {
  try {
    return await findFrames(path, options, signal);
  } catch (error) {
    if (error instanceof SyncError) return isPassing(error) ? error : undefined;
    if (!(error instanceof Error && "syscall" in error)) throw error;
    const message = `Files at ${path} cannot be read: ${error.message}.`;
    throw new SyncError("io-failed", message, { path, cause: error });
  }
}

/** Whether it may be another time; a remote that does not speak the protocol says so with all sorts of statuses. */
function isPassing({ code, details }: SyncError): boolean {
  if (code === "paused" || code === "timeout") return true;
  return code === "unreachable" && [undefined, 429, 503].includes(details.status);
}

async function findFrames(
  path: string,
  options: HttpProtocolOptions,
  signal: AbortSignal,
): Promise<FramesAtRemote> {
  const { metadata, log } = replicaFiles(path);
  const size = statSync(metadata, { throwIfNoEntry: false })?.size ?? MOST_METADATA_BYTES;
  if (size >= MOST_METADATA_BYTES || statSync(log, { throwIfNoEntry: false }) === undefined) return undefined;
  const file = readLibsqlMetadata(readFileSync(metadata));
  if (file.type === "foreign" && size > 0) return undefined;
  const transport =
    options.fetch === undefined ? createUndiciTransport() : createFetchTransport(options.fetch);
  // Other files may well be a replica of Tributary's that needs no remote to be opened, and is not to wait for it.
  const retry = file.type === "known" ? {} : { retry: { attempts: 1 } };
  const caller = new HttpCaller(resolveOptions({ ...options, ...retry }), transport);
  const descriptor = openSync(log, "r");
  try {
    const remote = new LibsqlRemote(caller);
    const noted = file.type === "known" ? file.metadata.durableFrames : 0;
    const generation = file.type === "known" ? file.metadata.generation : await remote.info(signal);
    return await compareFrames({ remote, generation, noted, descriptor, signal });
  } finally {
    closeSync(descriptor);
    await caller.close();
  }
}

interface Comparison {
  readonly remote: LibsqlRemote;
  readonly generation: number;
  /** Frames that the client has noted as sent; 0 also where that is not known. */
  readonly noted: number;
  readonly descriptor: number;
  readonly signal: AbortSignal;
}

async function compareFrames(comparison: Comparison): Promise<FramesAtRemote> {
  const { generation, noted } = comparison;
  const first = Math.max(noted, 1);
  const { same, answer } = await compareFrom(comparison, first);
  if (same > 0) return first + same - 1;
  // None of what was noted is there, but something else is.
  if (answer.type === "frames") return noted > 0 ? "other" : undefined;
  if (noted <= 1 || answer.newest !== generation) return undefined;
  // It was restored from a backup: what it has lost, the client would send again. Nothing at all says nothing.
  const restored = await compareFrom(comparison, 1);
  return restored.same > 0 ? restored.same : undefined;
}

/** How many frames from one on are the same; and the answer that ended the comparison. */
async function compareFrom(
  { remote, generation, descriptor, signal }: Comparison,
  first: number,
): Promise<{ readonly same: number; readonly answer: FramesAnswer }> {
  for (let at = first; ; ) {
    let received: Uint8Array[] = [];
    const target = {
      restart: () => {
        received = [];
      },
      write: (bytes: Uint8Array) => void received.push(Uint8Array.from(bytes)),
    };
    const range = { generation, start: at, end: at + FRAMES_PER_REQUEST };
    const answer = await remote.pullFrames(range, target, signal);
    const frames = Buffer.concat(received);
    const same = answer.type === "end" ? 0 : countSame(frames, at, descriptor);
    at += same;
    if (same === 0 || same < frames.length / FRAME_SIZE) return { same: at - first, answer };
  }
}

/** How many frames have the pages that the log has from a frame on. Salts and checksums are each side's own. */
function countSame(frames: Buffer, first: number, descriptor: number): number {
  const local = Buffer.alloc(FRAME_SIZE);
  for (let count = 0; ; count++) {
    const remote = frames.subarray(count * FRAME_SIZE, (count + 1) * FRAME_SIZE);
    if (remote.length < FRAME_SIZE) return count;
    const length = readSync(descriptor, local, 0, FRAME_SIZE, frameOffset(first + count));
    const isSame =
      length === FRAME_SIZE &&
      local.readUInt32BE(0) === remote.readUInt32BE(0) &&
      local.subarray(FRAME_HEADER_SIZE).equals(remote.subarray(FRAME_HEADER_SIZE));
    if (!isSame) return count;
  }
}
