import type { HttpResponse } from "./http-response.js";

/** Sets headers of an answer that is the server's own, and gives the same answer. `vary` is added to what is there. */
export function withHeaders(response: HttpResponse, headers: Readonly<Record<string, string>>): HttpResponse {
  for (const [name, value] of Object.entries(headers)) {
    const before = name === "vary" ? response.headers[name] : undefined;
    response.headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return response;
}
