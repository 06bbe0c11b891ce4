import { Agent, request as sendRequest } from "undici";
import type { HttpTransport, TransportRequest, TransportResponse } from "./http-transport.js";

/** Sends with undici, on connections that are kept alive. */
export function createUndiciTransport(): HttpTransport {
  // Its timers are off: ours know about long-polls, and tests own them.
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 10_000 });
  return {
    async send({ method, url, headers, body, signal }: TransportRequest): Promise<TransportResponse> {
      const content = method === "POST" ? { body } : {};
      const answer = await sendRequest(url, { dispatcher: agent, method, headers, ...content, signal });
      // Without a listener, an error after the last read would end the process.
      answer.body.on("error", () => {});
      const parts = answer.body[Symbol.asyncIterator]();
      const header = (name: string): string | undefined => {
        const value = answer.headers[name];
        return Array.isArray(value) ? value.join(", ") : value;
      };
      return {
        status: answer.statusCode,
        header,
        // HTTP/1.1 may also end a body by closing the connection, which a cut looks just like.
        isEndReliable: header("content-length") !== undefined || header("transfer-encoding") !== undefined,
        async read() {
          const { done, value } = await parts.next();
          return done === true ? undefined : (value as Uint8Array);
        },
        discard: () => void answer.body.destroy(),
      };
    },
    close: () => agent.destroy(),
  };
}
