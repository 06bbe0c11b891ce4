import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { CommandError } from "./command-error.js";

/** A request to the admin API. */
export interface HttpCall {
  readonly method: string;
  readonly url: URL;
  readonly token: string | undefined;
  /** JSON, or a file with its length. */
  readonly body?: string | { readonly stream: Readable; readonly length: number };
}

/**
 * Sends it and gives the answer, whatever its status, once its header is there. Without a limit in time: checking a large
 * database takes as long as it takes. Rejects with `CommandError`.
 */
export function httpCall({ method, url, token, body }: HttpCall): Promise<IncomingMessage> {
  const headers: Record<string, string | number> = {};
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (typeof body === "string") headers["content-type"] = "application/json";
  else if (body !== undefined) {
    headers["content-type"] = "application/vnd.sqlite3";
    headers["content-length"] = body.length;
  }
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = send(url, { method, headers, agent: false }, resolve);
    request.on("error", (error) => reject(explain(error, url)));
    if (body === undefined || typeof body === "string") {
      request.end(body);
      return;
    }
    body.stream.on("error", (error) => {
      reject(new CommandError(`the file cannot be read: ${error.message}`, error));
      request.destroy();
    });
    // Refused early, it is not read to its end.
    request.on("close", () => body.stream.destroy());
    body.stream.pipe(request);
  });
}

/** Everything of an answer, as text. */
export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new CommandError("the connection to the server broke: try again", error);
  }
  return Buffer.concat(chunks).toString();
}

function explain(error: NodeJS.ErrnoException, url: URL): CommandError {
  const server = url.origin;
  const code = error.code ?? error.message;
  if (code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new CommandError(
      `no server answers at ${server} (${code}): is it running, and is --url right?`,
      error,
    );
  if (/CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code)) {
    const text = `the certificate of ${server} is not trusted (${code}): let NODE_EXTRA_CA_CERTS name its authority's file`;
    return new CommandError(text, error);
  }
  if (code === "EPROTO" && error.message.includes("wrong version number"))
    return new CommandError(`${server} does not speak TLS: is it http://${url.host}?`, error);
  const hint = url.protocol === "http:" && code === "ECONNRESET" ? ", or give https:// if it speaks TLS" : "";
  return new CommandError(`the connection to ${server} broke (${code}): try again${hint}`, error);
}
