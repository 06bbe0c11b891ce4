import { createHash } from "node:crypto";
import { FRAME_HEADER_SIZE, FRAME_SIZE, SyncError } from "@tributary/core";
import type { FrameLog } from "../mirror/frame-log.js";
import { onHost } from "../mirror/host-errors.js";
import type { Mirror } from "../mirror/mirror.js";
import type { LibsqlRemote } from "../remote/libsql-remote.js";
import type { MirrorKeeper } from "./mirror-keeper.js";
import { type PushOutcome, pushFrames } from "./push-frames.js";

/**
 * What became of what SQLite wrote. `taken`: the remote has it. Else it has nothing of it: `overtaken` by frames that the
 * mirror has by now; at a `standstill`, with a conflict and no frames that would explain it; as a `misfit`, refused as no
 * push of a replica that it knows.
 */
export type TailOutcome = "taken" | "overtaken" | "standstill" | "misfit";

/** A frame that was sent, to be recognised when it comes back. */
interface SentFrame {
  readonly digest: string;
  readonly endsTransaction: boolean;
}

/**
 * Sends the tail of the mirror's log. It belongs to what the remote has afterwards, or is forgotten. `isUntried`: a misfit is
 * not the mirror's fault, and is thrown. Rejects with `SyncError`: then it may be that the remote has it.
 */
export async function sendTail(
  { keeper, remote }: { readonly keeper: MirrorKeeper; readonly remote: LibsqlRemote },
  mirror: Mirror,
  isUntried: boolean,
  signal: AbortSignal,
): Promise<TailOutcome> {
  const { log, generation } = mirror;
  const from = log.committed;
  const sent = sentFrames(log);
  let acknowledged = 0;
  const onAcknowledged = (frame: number): void => {
    acknowledged = Math.max(acknowledged, frame - from);
  };
  let outcome: PushOutcome;
  try {
    outcome = await pushFrames(remote, log, generation, onAcknowledged, signal);
    if (outcome === "taken") {
      onHost(log.path, () => mirror.commit());
      if (sent.length > 0) keeper.noteTaken();
      return "taken";
    }
  } catch (error) {
    keeper.doubt();
    if (!isUntried && isMisfit(error) && !hasTransaction(sent, acknowledged)) return "misfit";
    throw error;
  } finally {
    onHost(log.path, () => log.drop());
  }
  if (outcome === "elsewhere") {
    keeper.discard();
    throw isUnknown(remote.endpoint);
  }
  keeper.doubt();
  const now = await keeper.refresh(signal);
  const isComparable = now === mirror && now.generation === generation;
  const found = isComparable ? countSame(log, from, sent) : 0;
  if (found === sent.length) return "taken";
  const isOpen = outcome === "ahead" && !isComparable;
  if (isOpen || hasTransaction(sent, Math.max(acknowledged, found))) throw isUnknown(remote.endpoint);
  return isComparable && log.committed === from ? "standstill" : "overtaken";
}

/** What the tail is made of, before it is written over. */
function sentFrames(log: FrameLog): SentFrame[] {
  const frames: SentFrame[] = [];
  for (let frame = log.committed + 1; frame <= log.end.frames; frame++) {
    frames.push({ digest: digestOf(log, frame), endsTransaction: log.sizeAt(frame) > 0 });
  }
  return frames;
}

/** Of what is the same wherever the frame is: page number, size, page. */
function digestOf(log: FrameLog, frame: number): string {
  const bytes = log.readFrames(frame, 1);
  const hash = createHash("sha256").update(bytes.subarray(0, 8));
  return hash.update(bytes.subarray(FRAME_HEADER_SIZE, FRAME_SIZE)).digest("base64");
}

/** How many of the frames that were sent the mirror has got from the remote, in their places. */
function countSame(log: FrameLog, from: number, sent: readonly SentFrame[]): number {
  let count = 0;
  const available = Math.min(sent.length, log.committed - from);
  while (count < available && sent[count]?.digest === digestOf(log, from + count + 1)) count++;
  return count;
}

/** Whether a whole transaction is among so many of the frames. */
function hasTransaction(sent: readonly SentFrame[], count: number): boolean {
  return sent.slice(0, count).some(({ endsTransaction }) => endsTransaction);
}

/** Whether a push was refused for what it is, not for who sent it: a new mirror may do better. */
function isMisfit(error: unknown): boolean {
  return error instanceof SyncError && [400, 404, 410].includes(error.details.status ?? 0);
}

function isUnknown(endpoint: string): SyncError {
  return new SyncError(
    "unexpected-response",
    `${endpoint} does not tell whether it has taken what was sent. With the next sync that is found out; nothing is lost, and nothing sent twice.`,
    { endpoint },
  );
}
