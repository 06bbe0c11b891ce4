import type { Authorize, HttpRequest } from "@tributary/server";

/** The status with which somebody without admin access to the server as a whole is turned away; undefined for others. */
export async function refusalOfAdmin(
  authorize: Authorize,
  request: Pick<HttpRequest, "header" | "toWeb">,
): Promise<401 | 403 | undefined> {
  const token = /^bearer[ \t]+([\x21-\x7e]+)$/i.exec(request.header("authorization")?.trim() ?? "")?.[1];
  const answer = await authorize({ database: undefined, token, request: request.toWeb() });
  if ("denied" in answer) return answer.denied === "unauthenticated" ? 401 : 403;
  if (answer.expiresAt !== undefined && !(answer.expiresAt > Date.now())) return 401;
  return answer.access === "admin" ? undefined : 403;
}
