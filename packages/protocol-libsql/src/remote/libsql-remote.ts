import { SyncError } from "@tributary/core";
import {
  AttemptFailure,
  type HttpCaller,
  type RemoteAnswer,
  type RemoteCall,
} from "@tributary/protocol-http";
import { type PushAnswer, parseGeneration, parsePushAnswer, WireError } from "@tributary/wire";
import { FrameAssembler } from "./frame-assembler.js";

/** A range of frames: from 1, the end exclusive. */
export interface FrameRange {
  readonly generation: number;
  readonly start: number;
  readonly end: number;
}

/** Takes what a download brings, from the beginning after each `restart`. What it throws is the failure of the call. */
export interface DownloadTarget {
  restart(): void;
  write(bytes: Uint8Array): void;
}

/** Takes an image. */
export interface ImageTarget extends DownloadTarget {
  /** Bytes since `restart`. */
  readonly length: number;
  /** What is wrong with all that has come; undefined: nothing. */
  problem(): string | undefined;
}

/** What a pull brought: frames, which the target has, or that the generation has no more; then the newest one is named. */
export type FramesAnswer = { readonly type: "frames" } | { readonly type: "end"; readonly newest: number };

/** Frames in one request. */
export const FRAMES_PER_REQUEST = 128;

const NOTHING = new Uint8Array();
/** Enough for any answer in JSON, bytes. */
const MAX_JSON_BYTES = 65_536;
/** Never an empty database: that is a body of no bytes. */
const NO_CONTENT = 204;
/** Of a path, so that it arrives as it was sent. */
const BATON = /^[\w.~%!$&'()*+,;=:@-]+$/;

/**
 * The endpoints of libSQL's offline protocol. Every call can be repeated: frames have numbers. Rejects with `SyncError`.
 */
export class LibsqlRemote {
  readonly caller: HttpCaller;
  /** Where frames come from, for messages. */
  endpoint = "/sync";

  constructor(caller: HttpCaller) {
    this.caller = caller;
  }

  /** The generation that a new mirror is to begin with. */
  async info(signal: AbortSignal): Promise<number> {
    return this.#call({ path: "/info", signal }, isSuccess, async (answer) => {
      const text = await readText(answer);
      return parsed(answer, () => parseGeneration(text, "current_generation"));
    });
  }

  /** Downloads the database as it was when a generation began. */
  async downloadImage(generation: number, target: ImageTarget, signal: AbortSignal): Promise<void> {
    await this.#call({ path: `/export/${generation}`, signal }, isSuccess, async (answer) => {
      target.restart();
      for (let part = await answer.read(); part !== undefined; part = await answer.read()) target.write(part);
      const problem = target.problem();
      // A connection that ends before the first byte looks like an empty database.
      const isWhole = answer.isEndReliable || target.length > 0;
      if (problem === undefined && isWhole) return;
      if (!answer.isEndReliable) throw cutOff(answer);
      throw answer.error("malformed-response", `sent a database that ${problem}`);
    });
  }

  /** Asks for frames from a number on. There may be more of them than a request has, or fewer. */
  async pullFrames(
    { generation, start, end }: FrameRange,
    target: DownloadTarget,
    signal: AbortSignal,
  ): Promise<FramesAnswer> {
    const path = `/sync/${generation}/${start}/${end}`;
    return this.#call({ path, signal }, isPulled, async (answer) => {
      this.endpoint = answer.endpoint.slice(0, answer.endpoint.lastIndexOf(path) + "/sync".length);
      if (isSuccess(answer.status)) {
        await receiveFrames(answer, target);
        return { type: "frames" };
      }
      const text = await readText(answer);
      if (answer.status === 500 && !namesGeneration(text)) throw unavailable(answer);
      return { type: "end", newest: parsed(answer, () => parseGeneration(text, "generation")) };
    });
  }

  /** Sends frames. `baton`: what the batch before it was answered with. */
  async pushFrames(
    { generation, start, end }: FrameRange,
    baton: string | undefined,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<PushAnswer> {
    const path = `/sync/${generation}/${start}/${end}${baton === undefined ? "" : `/${baton}`}`;
    return this.#call({ method: "POST", path, body, signal }, isSuccess, async (answer) => {
      const text = await readText(answer);
      const push = parsed(answer, () => parsePushAnswer(text));
      if (push.baton === undefined || isSegment(push.baton)) return push;
      throw answer.error("malformed-response", "sent a baton that cannot be a part of a path");
    });
  }

  async #call<T>(
    call: Pick<RemoteCall, "path" | "signal"> & Partial<RemoteCall>,
    isAnswer: (status: number) => boolean,
    take: (answer: RemoteAnswer) => Promise<T>,
  ): Promise<T> {
    const whole: RemoteCall = {
      method: "GET",
      body: NOTHING,
      contentTypes: [],
      isRepeatable: true,
      extraTimeMs: 0,
      maxRedirects: 1,
      ...call,
      isAnswer: (status) => isAnswer(status) || isUnavailable(status),
    };
    return this.caller.call(whole, async (answer) => {
      const { status } = answer;
      if (!isUnavailable(status) && status !== NO_CONTENT) return take(answer);
      answer.discard();
      throw status === NO_CONTENT
        ? answer.error("malformed-response", "answered with nothing")
        : unavailable(answer);
    });
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** 500 too: servers of libSQL answer so where a database is empty. */
function isPulled(status: number): boolean {
  return isSuccess(status) || status === 400 || status === 500;
}

/** Statuses that libSQL's client tries again after, and that are otherwise taken for a refusal. */
function isUnavailable(status: number): boolean {
  return status === 501 || status === 505;
}

function unavailable(answer: RemoteAnswer): AttemptFailure {
  const error = answer.error("unreachable", `is not available (${answer.status})`);
  return new AttemptFailure(error, { isTemporary: true });
}

function cutOff(answer: RemoteAnswer): AttemptFailure {
  return new AttemptFailure(answer.error("unreachable", "ended its answer too early"), { isTemporary: true });
}

async function receiveFrames(answer: RemoteAnswer, target: DownloadTarget): Promise<void> {
  target.restart();
  const frames = new FrameAssembler((piece) => target.write(piece));
  for (let part = await answer.read(); part !== undefined; part = await answer.read()) frames.add(part);
  if (frames.end()) return;
  if (!answer.isEndReliable) throw cutOff(answer);
  throw answer.error("malformed-response", `sent ${frames.received} bytes, which are not whole frames`);
}

async function readText(answer: RemoteAnswer): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let part = await answer.read(); part !== undefined; part = await answer.read()) {
    length += part.length;
    if (length > MAX_JSON_BYTES) {
      answer.discard();
      throw answer.error("malformed-response", `answered with more than ${MAX_JSON_BYTES} bytes`);
    }
    parts.push(part);
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

function parsed<T>(answer: RemoteAnswer, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw answer.error("malformed-response", `sent what cannot be read: ${error.message}`, error);
  }
}

function namesGeneration(text: string): boolean {
  try {
    return parseGeneration(text, "generation") > 0;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

function isSegment(baton: string): boolean {
  return BATON.test(baton) && !/^\.{1,2}$/.test(baton.replaceAll(/%2e/gi, "."));
}

/** Whether the remote knows nothing of the generation, or of the frames that a request builds on. */
export function isGone(error: unknown): boolean {
  return error instanceof SyncError && (error.details.status === 404 || error.details.status === 410);
}
