import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import type { JwtKeys } from "./jwt-keys.js";

/** A token that shows nothing. Its message is for the client: it repeats nothing of the token. */
export class InvalidToken extends Error {
  override readonly name = "InvalidToken";
  readonly code: "AUTH_JWT_INVALID" | "AUTH_JWT_EXPIRED" | "AUTH_JWT_IMMATURE";

  constructor(code: InvalidToken["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Longest token, characters. Checked before anything of it is looked at. */
const MAX_LENGTH = 8_192;

/**
 * The claims of a token that one of the keys has signed. The key says what the algorithm is, not the token: one that names
 * another is refused before any signature is computed. Throws `InvalidToken`.
 */
export async function verifyToken(
  token: string,
  keys: JwtKeys,
  options: Omit<JWTVerifyOptions, "algorithms">,
): Promise<JWTPayload> {
  if (token.length > MAX_LENGTH) throw invalid(`it is longer than ${MAX_LENGTH} characters`);
  const { alg, kid } = readHeader(token);
  const candidates = keys.filter(
    ({ algorithm, id }) => algorithm === alg && (kid === undefined || id === undefined || id === kid),
  );
  for (const { algorithm, key } of candidates) {
    try {
      const { payload } = await jwtVerify(token, key, { ...options, algorithms: [algorithm] });
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw toInvalidToken(error);
    }
  }
  throw invalid("no key of this server has signed it");
}

function readHeader(token: string): { readonly alg?: unknown; readonly kid?: unknown } {
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw invalid("it is malformed");
  }
}

function toInvalidToken(error: unknown): unknown {
  if (error instanceof errors.JWTExpired)
    return new InvalidToken("AUTH_JWT_EXPIRED", "the token has expired: get a new one");
  if (error instanceof errors.JWTClaimValidationFailed) {
    // The claim may also be no number, and then it is no matter of time.
    return error.claim === "nbf" && error.reason === "check_failed"
      ? new InvalidToken("AUTH_JWT_IMMATURE", "the token is not valid yet")
      : invalid(error.message);
  }
  return error instanceof errors.JOSEError ? invalid("it is malformed") : error;
}

function invalid(why: string): InvalidToken {
  return new InvalidToken("AUTH_JWT_INVALID", `the token is not valid: ${why}`);
}
