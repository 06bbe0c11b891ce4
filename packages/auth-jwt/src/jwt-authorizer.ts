import { KeyObject } from "node:crypto";
import { type AccessDenial, type AccessGrant, type Authorize, ServerError } from "@tributary/server";
import type { JWTPayload, JWTVerifyOptions } from "jose";
import { type JwtKeys, parseJwtKeys } from "./jwt-keys.js";
import { InvalidClaims, readTokenClaims } from "./token-claims.js";
import { InvalidToken, verifyToken } from "./verify-token.js";

export interface JwtAuthorizerOptions {
  /** Public keys, as `loadJwtKeys` gives them or `parseJwtKeys` reads them. The first that verifies a token is the one. */
  readonly keys: JwtKeys | string | object;
  /** Who must have issued a token (`iss`): one of these. Default: anybody who has a key. */
  readonly issuer?: string | readonly string[];
  /** Whom a token must be for (`aud`): one of these. Default: anybody. */
  readonly audience?: string | readonly string[];
  /** How far the clocks of server and issuer may be apart, ms. Default 5 000. */
  readonly clockToleranceMs?: number;
  /** Whether a token must expire (`exp`). Default false. */
  readonly requireExpiry?: boolean;
  /** What time it is, ms since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Lets in who shows a JSON web token, as far as its claims say; `sub` is who it is, and the device of an offline replica. Denies with AUTH_HEADER_NOT_FOUND,
 * AUTH_JWT_INVALID, AUTH_JWT_EXPIRED, AUTH_JWT_IMMATURE or AUTH_FORBIDDEN. Throws `ServerError` "invalid-option".
 */
export function jwtAuthorizer(options: JwtAuthorizerOptions): Authorize {
  const { now = Date.now, clockToleranceMs = 5_000 } = options;
  const keys = isKeys(options.keys) ? options.keys : parseJwtKeys(options.keys);
  if (keys.length === 0 || !keys.every(({ key }) => key instanceof KeyObject)) {
    throw new ServerError(
      "invalid-option",
      "keys must be keys that loadJwtKeys or parseJwtKeys gave, at least one",
    );
  }
  if (!Number.isFinite(clockToleranceMs) || clockToleranceMs < 0) {
    throw new ServerError("invalid-option", "clockToleranceMs must be a number of 0 or more");
  }
  const checks: JWTVerifyOptions = {
    clockTolerance: clockToleranceMs / 1_000,
    ...(options.issuer === undefined ? {} : { issuer: [...toList(options.issuer)] }),
    ...(options.audience === undefined ? {} : { audience: [...toList(options.audience)] }),
    ...(options.requireExpiry === true ? { requiredClaims: ["exp"] } : {}),
  };
  return async ({ token, database }) => {
    if (token === undefined) return unauthenticated("AUTH_HEADER_NOT_FOUND", "a JSON web token is needed");
    try {
      const claims = await verifyToken(token, keys, { ...checks, currentDate: new Date(now()) });
      return answer(claims, database, clockToleranceMs);
    } catch (error) {
      if (error instanceof InvalidToken) return unauthenticated(error.code, error.message);
      if (error instanceof InvalidClaims) {
        return unauthenticated("AUTH_JWT_INVALID", `the token is not valid: ${error.message}`);
      }
      throw error;
    }
  };
}

function answer(
  claims: JWTPayload,
  database: string | undefined,
  toleranceMs: number,
): AccessGrant | AccessDenial {
  const access = readTokenClaims(claims).on(database);
  const { sub, exp } = claims;
  if (sub !== undefined && (typeof sub !== "string" || sub === "")) {
    throw new InvalidClaims('the claim "sub" must be a text');
  }
  if (access === undefined) {
    const what =
      database === undefined ? "the server as a whole" : `the database ${JSON.stringify(database)}`;
    return { denied: "forbidden", code: "AUTH_FORBIDDEN", message: `the token is not for ${what}` };
  }
  return {
    access,
    ...(sub === undefined ? {} : { client: sub, device: sub }),
    // With the tolerance: a grant must not end before the token that it was given for.
    ...(exp === undefined ? {} : { expiresAt: exp * 1_000 + toleranceMs }),
  };
}

function unauthenticated(code: string, message: string): AccessDenial {
  return { denied: "unauthenticated", code, message };
}

function isKeys(keys: JwtAuthorizerOptions["keys"]): keys is JwtKeys {
  return Array.isArray(keys);
}

function toList(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}
