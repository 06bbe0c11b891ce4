import type { IncomingMessage } from "node:http";

/** The headers of a request as the web has them. Throws `TypeError` where it has no such headers. */
export function webHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] as string, rawHeaders[index + 1] as string);
  }
  return headers;
}
