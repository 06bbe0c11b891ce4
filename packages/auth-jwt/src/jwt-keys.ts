import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { ServerError } from "@tributary/server";

/** What tokens may be signed with: no secrets that server and issuer share, and never `none`. */
export type JwtAlgorithm = "EdDSA" | "ES256" | "RS256";

/** A public key, and the one algorithm that it is for. */
export interface JwtKey {
  readonly algorithm: JwtAlgorithm;
  /** Its name in a JWKS: a token that names a key is checked with that one, or with one that has no name. */
  readonly id: string | undefined;
  readonly key: KeyObject;
}

/** Any of them may have signed a token. At least one. */
export type JwtKeys = readonly JwtKey[];

const PEM_BLOCK = /-----BEGIN ([^-\r\n]+)-----[^-]*-----END \1-----/g;
/** The bytes of an Ed25519 key: 32. */
const RAW_KEY = /^[A-Za-z0-9_-]{43}=?$/;
const MIN_RSA_BITS = 2_048;

/**
 * Reads public keys: PEM text of `PUBLIC KEY` blocks; an Ed25519 key as url-safe base64; a JWKS or a JWK, as an object or as
 * JSON. Keys of a JWKS that are for something else are passed over. Throws `ServerError` "invalid-option", which says what
 * is wrong and repeats none of it.
 */
export function parseJwtKeys(source: string | object): JwtKeys {
  const keys = typeof source === "string" ? parseText(source.trim()) : parseKeySet(source);
  if (keys.length === 0) throw invalid("there is no key for EdDSA (Ed25519), ES256 or RS256");
  return keys;
}

function parseText(text: string): JwtKeys {
  if (text.startsWith("{")) return parseKeySet(parseJson(text));
  if (RAW_KEY.test(text))
    return [fromJwk({ kty: "OKP", crv: "Ed25519", x: text.replace("=", "") }, "the key")];
  if (text.includes("-----BEGIN ")) return parsePem(text);
  throw invalid("keys must be PEM, a JWKS, or an Ed25519 key as 43 characters of url-safe base64");
}

function parsePem(text: string): JwtKeys {
  const blocks = [...text.matchAll(PEM_BLOCK)];
  if (blocks.length !== text.split("-----BEGIN ").length - 1)
    throw invalid("a PEM block does not end as it begins");
  return blocks.map(([block, label], index) => {
    const place = `PEM block ${index + 1}`;
    // Node would take the public half of a private key, or of a certificate.
    if (label !== "PUBLIC KEY") throw invalid(`${place} must be a PUBLIC KEY: nothing else belongs here`);
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch {
      throw invalid(`${place} cannot be read`);
    }
    const algorithm = algorithmOf(key, place);
    if (algorithm === undefined) throw invalid(`${place} must be an Ed25519, P-256 or RSA key`);
    return { algorithm, id: undefined, key };
  });
}

function parseKeySet(set: unknown): JwtKeys {
  if (!isObject(set)) throw invalid("a JWKS must be an object");
  const jwks: unknown = "kty" in set ? [set] : set.keys;
  if (!Array.isArray(jwks)) throw invalid("a JWKS must have a list of keys");
  return (jwks as unknown[]).flatMap((jwk, index) => {
    const place = `key ${index + 1}`;
    if (!isObject(jwk)) throw invalid(`${place} must be an object`);
    if ("d" in jwk || "k" in jwk) throw invalid(`${place} is secret: only public keys belong here`);
    if (!isForSignatures(jwk)) return [];
    const key = fromJwk(jwk, place);
    return jwk.alg === undefined || jwk.alg === key.algorithm ? [key] : [];
  });
}

/** Identity providers list keys of every kind; RFC 7517 has those passed over that one cannot use. */
function isForSignatures({ kty, crv, use, key_ops: operations }: Readonly<Record<string, unknown>>): boolean {
  if (use !== undefined && use !== "sig") return false;
  if (Array.isArray(operations) && !operations.includes("verify")) return false;
  return kty === "RSA" || (kty === "OKP" && crv === "Ed25519") || (kty === "EC" && crv === "P-256");
}

function fromJwk(jwk: Readonly<Record<string, unknown>>, place: string): JwtKey {
  const id = jwk.kid;
  if (id !== undefined && typeof id !== "string") throw invalid(`${place} has a kid that is no text`);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
  } catch {
    throw invalid(`${place} cannot be read`);
  }
  const algorithm = algorithmOf(key, place);
  if (algorithm === undefined) throw invalid(`${place} must be an Ed25519, P-256 or RSA key`);
  return { algorithm, id, key };
}

function algorithmOf(
  { asymmetricKeyType, asymmetricKeyDetails }: KeyObject,
  place: string,
): JwtAlgorithm | undefined {
  if (asymmetricKeyType === "ed25519") return "EdDSA";
  if (asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1") return "ES256";
  if (asymmetricKeyType !== "rsa") return undefined;
  if ((asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS) return "RS256";
  throw invalid(`${place} is too short: an RSA key must have ${MIN_RSA_BITS} bits or more`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What JSON.parse says repeats a piece of the text.
    throw invalid("the JSON of a JWKS cannot be read");
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): ServerError {
  return new ServerError("invalid-option", message);
}
