import { readFile } from "node:fs/promises";
import { type AccessGrant, type Authorize, type StaticToken, staticTokens } from "@tributary/server";
import type { OptionValues } from "../options/option-table.js";
import { UsageError } from "../options/usage-error.js";
import type { Reloadable } from "../serve/reloadable.js";
import { parseTokens } from "./parse-tokens.js";

/** The options that say who may do what. */
export type AccessOptions = Pick<
  OptionValues,
  | "authTokenFile"
  | "authTokens"
  | "authJwtKey"
  | "authJwtIssuer"
  | "authJwtAudience"
  | "authJwtRequireExpiry"
  | "allowAnonymous"
>;

/** Who may do what, from files that can be read again. */
export interface LoadedAccess {
  readonly authorize: Authorize;
  /** Whether tokens are asked for: then the state of the server is for those with admin access only. */
  readonly hasTokens: boolean;
  readonly files: readonly Reloadable[];
}

/** Reads tokens and keys. Rejects with `UsageError`: it names the files and what is wrong with them, and repeats none of it. */
export async function loadAccess(options: AccessOptions): Promise<LoadedAccess> {
  const files: Reloadable[] = [];
  const authorizers: (() => Authorize)[] = [];
  const mistakes: string[] = [];
  const add = async (what: string, load: () => Promise<Authorize>, isFile: boolean): Promise<void> => {
    try {
      let current = await load();
      authorizers.push(() => current);
      if (!isFile) return;
      const reload = async (): Promise<void> => {
        current = await load();
      };
      files.push({ what, reload });
    } catch (error) {
      mistakes.push((error as Error).message);
    }
  };
  const { authTokenFile, authTokens, authJwtKey } = options;
  if (authTokens !== undefined)
    await add(
      "TRIBUTARY_AUTH_TOKENS",
      () => Promise.resolve(tokensOf("TRIBUTARY_AUTH_TOKENS", authTokens)),
      false,
    );
  if (authTokenFile !== undefined)
    await add(`tokens of ${authTokenFile}`, () => loadTokenFile(authTokenFile), true);
  if (authJwtKey !== undefined) await add(`keys of ${authJwtKey}`, () => loadJwt(authJwtKey, options), true);
  if (mistakes.length > 0) throw new UsageError(mistakes);
  const anonymous = options.allowAnonymous ?? (authorizers.length === 0 ? "write" : undefined);
  return {
    authorize: combine(authorizers, anonymous === undefined ? undefined : { access: anonymous }),
    hasTokens: authorizers.length > 0,
    files,
  };
}

/** Lets in whom one of them lets in. Who shows a token is never taken for somebody who shows none. */
function combine(authorizers: readonly (() => Authorize)[], anonymous: AccessGrant | undefined): Authorize {
  return async (request) => {
    if (anonymous !== undefined && (request.token === undefined || authorizers.length === 0))
      return anonymous;
    let answer: Awaited<ReturnType<Authorize>> = {
      denied: "unauthenticated",
      code: "AUTH_HEADER_NOT_FOUND",
      message: "an access token is needed",
    };
    // Each would ask for its own kind, as if there were no other.
    if (request.token === undefined && authorizers.length > 1) return answer;
    for (const authorizer of authorizers) {
      answer = await authorizer()(request);
      // A token that is known, but not for this, is no other kind of token.
      if (!("denied" in answer) || answer.denied === "forbidden") return answer;
    }
    return answer;
  };
}

async function loadTokenFile(path: string): Promise<Authorize> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`the token file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    return staticTokens(parseTokens(text));
  } catch (error) {
    throw new Error(`the token file ${path}: ${(error as Error).message}`);
  }
}

function tokensOf(where: string, tokens: readonly StaticToken[]): Authorize {
  try {
    return staticTokens(tokens);
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`);
  }
}

async function loadJwt(
  path: string,
  { authJwtIssuer, authJwtAudience, authJwtRequireExpiry }: AccessOptions,
): Promise<Authorize> {
  // Not read where nobody wants it: it takes a while.
  const { jwtAuthorizer, loadJwtKeys } = await import("@tributary/auth-jwt");
  return jwtAuthorizer({
    keys: await loadJwtKeys(path),
    ...(authJwtIssuer === undefined ? {} : { issuer: authJwtIssuer }),
    ...(authJwtAudience === undefined ? {} : { audience: authJwtAudience }),
    requireExpiry: authJwtRequireExpiry,
  });
}
