import { SyncError, type SyncErrorCode } from "@tributary/core";
import { AttemptFailure } from "./attempt-failure.js";
import type { HttpClock } from "./http-clock.js";
import type { TransportResponse } from "./http-transport.js";
import { describeUrl } from "./remote-url.js";
import { parseRetryAfter } from "./retry-delay.js";

/** The start of an answer's body that a message repeats, in characters. */
const MAX_SHOWN = 500;

/** An answer that is not what was asked for, as far as its head tells. */
export interface AnswerProblem {
  readonly code: SyncErrorCode;
  readonly message: string;
  readonly isTemporary: boolean;
  readonly isUntouched: boolean;
}

/**
 * What is wrong with an answer's head; undefined: nothing. `isAnswer` says with which statuses an answer is one; without
 * `contentTypes` it may be of any type.
 */
export function findProblem(
  response: TransportResponse,
  contentTypes: readonly string[],
  url: URL,
  isAnswer: (status: number) => boolean = (status) => status === 200,
): AnswerProblem | undefined {
  const { status } = response;
  if (isAnswer(status)) return findContentProblem(response, contentTypes);
  const permanent = { isTemporary: false, isUntouched: true };
  if (status >= 300 && status < 400) {
    return {
      code: "unexpected-response",
      message: `it redirects (${status})${locationOf(response, url)}`,
      ...permanent,
    };
  }
  if (status < 300)
    return { code: "unexpected-response", message: `it answered with status ${status}`, ...permanent };
  if (status === 401 || status === 403)
    return { code: "unauthorized", message: `it refused access (${status})`, ...permanent };
  if (status === 408)
    return { code: "timeout", message: "it gave up waiting (408)", isTemporary: true, isUntouched: false };
  const isServerFault = status >= 500 && status !== 501 && status !== 505;
  if (status !== 429 && !isServerFault) {
    return { code: "remote-rejected", message: `it rejected the request (${status})`, ...permanent };
  }
  // Too many requests means that this one was not let in. So does unavailable, if the remote itself says for how long;
  // without that it can be a proxy that lost the remote halfway.
  const isUntouched = status === 429 || (status === 503 && response.header("retry-after") !== undefined);
  return { code: "unreachable", message: `it is not available (${status})`, isTemporary: true, isUntouched };
}

/** A missing content type is let pass: everything in the body is checked anyway. */
function findContentProblem(
  response: TransportResponse,
  contentTypes: readonly string[],
): AnswerProblem | undefined {
  const encoding = response.header("content-encoding");
  const type = response.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const malformed = { code: "malformed-response", isTemporary: false, isUntouched: false } as const;
  if (encoding !== undefined && encoding !== "identity")
    return { ...malformed, message: `it compressed its answer (${encoding})` };
  if (type === "" || contentTypes.length === 0 || contentTypes.includes(type)) return undefined;
  return { ...malformed, message: `it answered with ${type} in place of ${contentTypes[0]}` };
}

function locationOf(response: TransportResponse, url: URL): string {
  const location = response.header("location");
  if (location === undefined || !URL.canParse(location, url.href)) return "";
  return ` to ${describeUrl(new URL(location, url.href))}`;
}

/** The failure that a problem is, with the start of the body. */
export function toFailure(
  problem: AnswerProblem,
  response: TransportResponse,
  bodyStart: string,
  endpoint: string,
  clock: HttpClock,
): AttemptFailure {
  const { status } = response;
  const shown = bodyStart.trim().slice(0, MAX_SHOWN);
  const message = `${endpoint} cannot be synced with: ${problem.message}${shown === "" ? "." : `: ${shown}`}`;
  return new AttemptFailure(new SyncError(problem.code, message, { endpoint, status }), {
    isTemporary: problem.isTemporary,
    isUntouched: problem.isUntouched,
    retryAfterMs: parseRetryAfter(response.header("retry-after"), clock.now()),
  });
}
