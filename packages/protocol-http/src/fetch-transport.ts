import type { HttpTransport, TransportRequest, TransportResponse } from "./http-transport.js";

/** Sends with a `fetch` of the host's. */
export function createFetchTransport(fetchRequest: typeof fetch): HttpTransport {
  return {
    async send({ method, url, headers, body, end }: TransportRequest): Promise<TransportResponse> {
      const answer = await fetchRequest(url, {
        method,
        headers: { ...headers },
        // The types of the DOM want it without a shared buffer; nothing here makes one.
        ...(method === "POST" && { body: body as Uint8Array<ArrayBuffer> }),
        signal: end.signal,
        redirect: "manual",
      });
      const reader = answer.body?.getReader();
      return {
        // A browser shows a redirect that it does not follow with the status 0.
        status: answer.type === "opaqueredirect" ? 302 : answer.status,
        header: (name) => answer.headers.get(name) ?? undefined,
        // Fetch does not tell how the body is delimited: it is HTTP/2 as a rule, where its end is marked.
        isEndReliable: true,
        async read() {
          const part = await reader?.read();
          return part === undefined || part.done ? undefined : part.value;
        },
        discard: () => void reader?.cancel().catch(() => {}),
      };
    },
    close: async () => {},
  };
}
