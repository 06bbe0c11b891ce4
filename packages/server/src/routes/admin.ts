import { checkDatabaseName } from "../addressing/database-name.js";
import type { DatabaseRegistry } from "../databases/database-registry.js";
import { errorResponse } from "../http/error-response.js";
import { toRequestError } from "../http/failure-response.js";
import type { HttpRequest } from "../http/http-request.js";
import type { HttpResponse } from "../http/http-response.js";
import { limitBody } from "../http/limit-body.js";
import { readBody } from "../http/read-body.js";
import { RequestError } from "../http/request-error.js";
import { jsonResponse } from "../http/text-response.js";
import { ServerError, type ServerErrorCode } from "../server-error.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";

/** What is asked of the databases of a server. */
export type AdminRegistry = Pick<
  DatabaseRegistry,
  "list" | "status" | "create" | "fork" | "import" | "exportImage" | "remove" | "verify"
>;

/** What {@link answerAdmin} needs beside the registry. */
export interface AdminContext {
  readonly options: Pick<ResolvedServerOptions, "maxImportBytes" | "bodyStallTimeoutMs" | "clock">;
  /** Throws if whoever asks may not administer that database either: a copy gets a name of its own. */
  readonly authorize: (database: string) => void | Promise<void>;
  /** Keeps the place of the request until the function that it gives is called: for a body that is streamed. */
  hold(): () => void;
}

/** Longest body that is no database, bytes. */
const MAX_JSON_BYTES = 4_096;

/** What is wrong with an upload. Of a database that is there already, it is the server's trouble. */
const UPLOAD_CODES: ReadonlySet<ServerErrorCode> = new Set([
  "not-a-database",
  "unsupported-page-size",
  "unsupported-encoding",
]);

/** For errors that have none of their own. */
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  400: "malformed",
  408: "timeout",
  413: "too-large",
};

type Route = (
  registry: AdminRegistry,
  name: string,
  request: HttpRequest,
  context: AdminContext,
) => Promise<HttpResponse>;

/** By what stands behind the name in the path. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  "": { GET: answerStatus, PUT: answerCreate, DELETE: answerRemove },
  fork: { POST: answerFork },
  export: { GET: answerExport },
  verify: { POST: answerVerify },
};

/**
 * The database that a path below `/admin` is about; undefined for the server as a whole: whoever asks must be allowed to
 * administer that. Throws `ServerError` "invalid-name".
 */
export function adminScope(pathname: string): string | undefined {
  const path = parsePath(pathname);
  return path?.name === undefined ? undefined : checkDatabaseName(path.name);
}

/**
 * Answers what is below `/admin`. That it is allowed has been found out before. What goes wrong is an answer in JSON,
 * unless the server is to blame: then it throws.
 */
export async function answerAdmin(
  registry: AdminRegistry,
  request: HttpRequest,
  pathname: string,
  context: AdminContext,
): Promise<HttpResponse> {
  try {
    return await answer(registry, request, pathname, context);
  } catch (error) {
    const failure = toRequestError(error);
    if (failure.status === 500) throw error;
    const { status, message, code = CODE_OF_STATUS[status], headers } = failure;
    return errorResponse(new RequestError(status, message, { code, headers }));
  }
}

async function answer(
  registry: AdminRegistry,
  request: HttpRequest,
  pathname: string,
  context: AdminContext,
): Promise<HttpResponse> {
  const path = parsePath(pathname);
  if (path?.name === undefined) {
    if (path === undefined) throw notFound(pathname);
    checkMethod(request, ["GET"]);
    return json(200, { databases: await registry.list() });
  }
  const methods = Object.hasOwn(ROUTES, path.action) ? ROUTES[path.action] : undefined;
  if (methods === undefined) throw notFound(pathname);
  checkMethod(request, Object.keys(methods));
  return (methods[request.method] as Route)(registry, checkDatabaseName(path.name), request, context);
}

function parsePath(pathname: string): { name: string | undefined; action: string } | undefined {
  const match = /^\/admin\/databases(?:\/([^/]*)(?:\/([^/]+))?)?$/.exec(pathname);
  return match === null ? undefined : { name: match[1], action: match[2] ?? "" };
}

function checkMethod(request: HttpRequest, methods: readonly string[]): void {
  if (methods.includes(request.method)) return;
  throw new RequestError(405, `${request.method} is not possible here: ${methods.join(", ")}`, {
    code: "method-not-allowed",
    headers: { allow: methods.join(", ") },
  });
}

function notFound(pathname: string): RequestError {
  return new RequestError(404, `there is no ${pathname} here`, { code: "not-found" });
}

async function answerStatus(registry: AdminRegistry, name: string): Promise<HttpResponse> {
  return json(200, await registry.status(name));
}

async function answerCreate(
  registry: AdminRegistry,
  name: string,
  request: HttpRequest,
  { options: { maxImportBytes, bodyStallTimeoutMs, clock } }: AdminContext,
): Promise<HttpResponse> {
  // An empty file is an empty database: whether there is a body need not be known.
  const limits = { maxBytes: maxImportBytes, stallTimeoutMs: bodyStallTimeoutMs, clock };
  try {
    if (request.body === undefined) await registry.create(name);
    else await registry.import(name, limitBody(request, limits));
  } catch (error) {
    if (!(error instanceof ServerError) || !UPLOAD_CODES.has(error.code)) throw error;
    throw new RequestError(400, error.message, { code: error.code, cause: error });
  }
  return json(201, { name });
}

async function answerRemove(registry: AdminRegistry, name: string): Promise<HttpResponse> {
  await registry.remove(name);
  return { status: 204, headers: {}, body: undefined };
}

async function answerFork(
  registry: AdminRegistry,
  name: string,
  request: HttpRequest,
  { options: { bodyStallTimeoutMs, clock }, authorize }: AdminContext,
): Promise<HttpResponse> {
  const limits = { maxBytes: MAX_JSON_BYTES, stallTimeoutMs: bodyStallTimeoutMs, clock };
  const to = parseTarget(await readBody(request, limits));
  await authorize(to);
  await registry.fork(name, to);
  return json(201, { name: to });
}

function parseTarget(body: Uint8Array): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new RequestError(400, 'the body must be JSON, such as {"to":"copy"}', { code: "malformed", cause });
  }
  const to = typeof parsed === "object" && parsed !== null && "to" in parsed ? parsed.to : undefined;
  if (typeof to === "string") return checkDatabaseName(to);
  throw new RequestError(400, 'the body must name the copy, such as {"to":"copy"}', { code: "malformed" });
}

async function answerExport(
  registry: AdminRegistry,
  name: string,
  _request: HttpRequest,
  { hold }: AdminContext,
): Promise<HttpResponse> {
  const { length, body } = await registry.exportImage(name, hold());
  const headers = {
    "content-type": "application/vnd.sqlite3",
    "content-length": String(length),
    "content-disposition": `attachment; filename="${name}.db"`,
  };
  return { status: 200, headers, body };
}

async function answerVerify(registry: AdminRegistry, name: string): Promise<HttpResponse> {
  const problems = await registry.verify(name);
  return json(200, { ok: problems.length === 0, problems });
}

/** Fields that are not known are null, so that they are always there. */
function json(status: number, value: unknown): HttpResponse {
  return jsonResponse(
    status,
    JSON.stringify(value, (_, field: unknown) => (field === undefined ? null : field)),
  );
}
