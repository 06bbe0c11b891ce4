import { SyncError } from "@tributary/core";
import { ACCEPTS_HEADER } from "@tributary/wire";
import { findProblem, toFailure } from "./answer-check.js";
import { AttemptFailure, toAttemptFailure } from "./attempt-failure.js";
import { BatchRefused, BatchSupport } from "./batch-support.js";
import type { HttpSettings } from "./http-protocol-options.js";
import type { HttpTransport, TransportResponse } from "./http-transport.js";
import { RemoteAnswer } from "./remote-answer.js";
import { describeUrl, endpointUrl, parseRemoteUrl } from "./remote-url.js";
import { RequestGuard } from "./request-guard.js";
import { requestHeaders } from "./request-headers.js";
import { retryDelay } from "./retry-delay.js";

/** One call of an endpoint. */
export interface RemoteCall {
  /** Default POST. */
  readonly method?: "GET" | "POST";
  /** Behind the path of the base URL; begins with a slash. */
  readonly path: string;
  /** The first is what is sent; any of them may be answered. None: nothing is said of types, and any is taken. */
  readonly contentTypes: readonly string[];
  /** Empty for a GET. */
  readonly body: Uint8Array;
  /** Statuses with which an answer is taken; every other one is a failure. Default: 200. */
  readonly isAnswer?: (status: number) => boolean;
  /**
   * How many redirects are followed, with method and body as they are. To another origin go neither the token nor the
   * headers of the host: they are not for it. Default 0.
   */
  readonly maxRedirects?: number;
  /** Whether it does no harm if the remote acts on it twice. */
  readonly isRepeatable: boolean;
  /** Sent only to a remote that takes batches of the live protocol; to another one, the call fails with `BatchRefused`. */
  readonly isLiveBatch?: boolean;
  /** How much longer than usual the answer may take. */
  readonly extraTimeMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Where calls of one path go. */
interface Endpoint {
  readonly base: string;
  readonly url: URL;
  /** As it may be shown. */
  readonly endpoint: string;
}

/** A request whose answer has begun to come. */
interface SentRequest {
  readonly response: TransportResponse;
  readonly answer: RemoteAnswer;
}

/** Statuses of a server, or of something before it, that does not know the path, or not with this method or type. */
const UNKNOWN_ENDPOINT: ReadonlySet<number> = new Set([404, 405, 415]);

/** How many URLs are kept parsed. */
const MOST_ENDPOINTS = 16;

const NOTHING_OF_THE_HOST = { headers: undefined, authToken: undefined };

/** Calls endpoints: asks the host for URL and token, sends, checks the head of the answer, tries again where that can help. */
export class HttpCaller {
  readonly settings: HttpSettings;
  bytesSent = 0;
  bytesReceived = 0;
  /** Whether the remote has been seen to keep a batch's stream open, and so knows the request that closes it. */
  keepsStreams = false;
  readonly batchSupport: BatchSupport = new BatchSupport();
  readonly #transport: HttpTransport;
  /** By their paths. */
  readonly #endpoints: Map<string, Endpoint> = new Map();
  #closed = false;

  constructor(settings: HttpSettings, transport: HttpTransport) {
    this.settings = settings;
    this.#transport = transport;
  }

  /** Later calls fail. Ends what is open. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#transport.close();
  }

  /**
   * Gives what `take` makes of the answer; what it rejects with belongs to the attempt, and may be followed by another.
   * Rejects with `SyncError`.
   */
  async call<T>(call: RemoteCall, take: (answer: RemoteAnswer) => Promise<T>): Promise<T> {
    const state = { tokenIsFresh: typeof this.settings.authToken !== "function" };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(call, state, take);
      } catch (error) {
        if (call.signal?.aborted) throw aborted(call.signal);
        if (!(error instanceof AttemptFailure)) throw error;
        const mayRepeat = error.isTemporary && (call.isRepeatable || error.isUntouched);
        if (!mayRepeat || attempt >= this.settings.retry.attempts) throw error.error;
        await this.#pause(attempt, error.retryAfterMs, call.signal);
      }
    }
  }

  /** Until the next attempt. */
  async #pause(
    attempt: number,
    retryAfterMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { retry, clock } = this.settings;
    try {
      await clock.sleep(retryDelay(attempt, retryAfterMs, retry, clock), signal);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
    if (signal?.aborted) throw aborted(signal);
  }

  async #attempt<T>(
    call: RemoteCall,
    state: { tokenIsFresh: boolean },
    take: (answer: RemoteAnswer) => Promise<T>,
  ): Promise<T> {
    const base = await this.#base();
    this.batchSupport.noteBase(base);
    if (call.isLiveBatch === true && !this.batchSupport.isTold) throw new BatchRefused();
    const { url, endpoint } = this.#endpoint(base, call.path);
    try {
      const { response, answer } = await this.#sendOn(call, url, endpoint);
      this.batchSupport.noteAnswer(base, response.header(ACCEPTS_HEADER));
      const problem = findProblem(response, call.contentTypes, url, call.isAnswer);
      if (problem === undefined) return await take(answer);
      const start = await answer.readStart();
      if (response.status === 401 && !state.tokenIsFresh) {
        state.tokenIsFresh = true;
        return await this.#attempt(call, state, take);
      }
      if (call.isLiveBatch === true && UNKNOWN_ENDPOINT.has(response.status)) throw new BatchRefused(base);
      throw toFailure(problem, response, start, endpoint, this.settings.clock);
    } catch (error) {
      if (error instanceof BatchRefused) throw error;
      throw toAttemptFailure(error, endpoint);
    }
  }

  /** That of the last request, as a rule. */
  #endpoint(base: string, path: string): Endpoint {
    const known = this.#endpoints.get(path);
    if (known?.base === base) return known;
    const url = endpointUrl(parseRemoteUrl(base), path);
    const endpoint = { base, url, endpoint: describeUrl(url) };
    // Files may be asked for, each by a path of its own.
    if (this.#endpoints.size >= MOST_ENDPOINTS) this.#endpoints.clear();
    this.#endpoints.set(path, endpoint);
    return endpoint;
  }

  async #base(): Promise<string> {
    if (this.#closed) throw new SyncError("invalid-state", "The protocol has been closed.");
    const { url } = this.settings;
    let base: unknown;
    try {
      base = typeof url === "function" ? await url() : url;
    } catch (error) {
      if (error instanceof SyncError) throw error;
      throw new SyncError("invalid-option", "url() failed.", { cause: error });
    }
    if (base === null) throw new SyncError("paused", "Sync is paused: url() gave null.");
    if (typeof base !== "string") {
      throw new SyncError("invalid-option", "url() gave neither a URL as a string nor null.");
    }
    return base;
  }

  /** Sends, and follows as many redirects as the call allows. */
  async #sendOn(call: RemoteCall, url: URL, endpoint: string): Promise<SentRequest> {
    let at = url;
    for (let redirects = 0; ; redirects++) {
      const sent = await this.#send(call, at, endpoint, at.origin === url.origin);
      const { status } = sent.response;
      const location = sent.response.header("location");
      const isRedirect = status >= 300 && status < 400 && location !== undefined;
      if (!isRedirect || redirects >= (call.maxRedirects ?? 0)) return sent;
      if (!URL.canParse(location, at.href)) return sent;
      const next = new URL(location, at.href);
      if (next.protocol !== "https:" && next.protocol !== "http:") return sent;
      sent.answer.discard();
      at = next;
    }
  }

  async #send(call: RemoteCall, url: URL, endpoint: string, isOwnOrigin: boolean): Promise<SentRequest> {
    const { headersTimeoutMs, bodyTimeoutMs, clock } = this.settings;
    const own = isOwnOrigin ? this.settings : NOTHING_OF_THE_HOST;
    const { headers, secrets } = await requestHeaders(own, call.contentTypes[0]);
    const guard = new RequestGuard(clock, call.signal);
    if (guard.reason !== undefined) throw guard.reason;
    this.bytesSent += call.body.length;
    const { method = "POST", body } = call;
    const sent = this.#transport.send({ method, url, headers, body, end: guard });
    try {
      const response = await guard.run(sent, headersTimeoutMs + call.extraTimeMs);
      const onBytes = (count: number): void => {
        this.bytesReceived += count;
      };
      return {
        response,
        answer: new RemoteAnswer({ response, guard, endpoint, secrets, bodyTimeoutMs, onBytes }),
      };
    } catch (error) {
      // A transport that does not heed the signal may still bring an answer.
      sent.then((late) => late.discard()).catch(() => {});
      guard.dispose();
      throw error;
    }
  }
}

function aborted(signal: AbortSignal): SyncError {
  return new SyncError("aborted", "The request was aborted by its signal.", { cause: signal.reason });
}
