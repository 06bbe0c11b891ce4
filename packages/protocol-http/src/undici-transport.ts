import { Agent } from "undici";
import type { HttpTransport, TransportRequest, TransportResponse } from "./http-transport.js";
import { UndiciAnswer } from "./undici-answer.js";

/** Sends with undici, on connections that are kept alive. */
export function createUndiciTransport(): HttpTransport {
  // Its timers are off: ours know about long-polls, and tests own them.
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 10_000 });
  return {
    send({ method, url, headers, body, end }: TransportRequest): Promise<TransportResponse> {
      const answer = new UndiciAnswer(end);
      const { origin, pathname, search } = url;
      const content = method === "POST" ? { body } : {};
      agent.dispatch({ origin, path: pathname + search, method, headers, ...content }, answer);
      return answer.begun;
    },
    close: () => agent.destroy(),
  };
}
