import type { HttpRequest } from "../http/http-request.js";
import { RequestError } from "../http/request-error.js";
import {
  ACCESS_KINDS,
  type Access,
  type AccessDenial,
  type AccessGrant,
  type Authorize,
  allows,
} from "./access.js";
import { unauthenticated } from "./unauthenticated.js";

/**
 * Lets a request through that may do what it is about to, and says as whom. Throws `RequestError` 401 or 403 with the code
 * of the denial; 500 if `authorize` fails, whose error is the cause and no business of the client.
 */
export async function checkAccess(
  authorize: Authorize,
  request: Pick<HttpRequest, "toWeb">,
  database: string | undefined,
  needed: Access,
  token: string | undefined,
  now: () => number = Date.now,
): Promise<AccessGrant> {
  const answer = await ask(authorize, request, database, token === "" ? undefined : token);
  if ("denied" in answer) {
    const { denied, code, message } = answer;
    throw denied === "unauthenticated"
      ? unauthenticated(code, message)
      : new RequestError(403, message, { code });
  }
  // So put that NaN is an end, and has passed.
  if (answer.expiresAt !== undefined && !(answer.expiresAt > now())) {
    throw unauthenticated("AUTH_EXPIRED", "what was shown as proof of who you are has expired: get it anew");
  }
  if (allows(answer.access, needed)) return answer;
  const what = database === undefined ? "the server" : `the database ${JSON.stringify(database)}`;
  throw new RequestError(
    403,
    `this needs ${needed} access to ${what}, and only ${answer.access} access is granted`,
    {
      code: "AUTH_FORBIDDEN",
    },
  );
}

async function ask(
  authorize: Authorize,
  request: Pick<HttpRequest, "toWeb">,
  database: string | undefined,
  token: string | undefined,
): Promise<AccessGrant | AccessDenial> {
  try {
    const answer: unknown = await authorize({
      database,
      token,
      // Made when it is asked for: few look at it, and it takes longer than answering most requests does.
      get request() {
        return request.toWeb();
      },
    });
    if (isAnswer(answer)) return answer;
    // Whatever else it may mean, it lets nobody in.
    throw new TypeError("authorize must give a grant or a denial");
  } catch (cause) {
    throw new RequestError(500, "the server could not find out what you may do", {
      code: "AUTH_FAILED",
      cause,
    });
  }
}

function isAnswer(answer: unknown): answer is AccessGrant | AccessDenial {
  if (typeof answer !== "object" || answer === null) return false;
  return "denied" in answer || ("access" in answer && ACCESS_KINDS.includes(answer.access as Access));
}
