import { isDatabaseName } from "../addressing/database-name.js";
import type { HttpRequest } from "../http/http-request.js";

/**
 * The database that an embedded replica names in a header, for where its URL names none. The client takes it from its
 * `syncUrl`: the first label of the host name, `default` for one without a dot. An address of numbers has no name in it,
 * though its first number is sent. Undefined for what can be no name.
 */
export function namespaceOf(request: Pick<HttpRequest, "header">): string | undefined {
  const name = Buffer.from(request.header("x-namespace-bin") ?? "", "base64").toString("utf8");
  return isDatabaseName(name) && !/^[0-9]+$/.test(name) ? name : undefined;
}
