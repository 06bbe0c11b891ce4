import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { JwtAlgorithm } from "../../src/index.js";

/** A pair of keys, of which the server has the public one. */
export interface SigningKey {
  readonly algorithm: JwtAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: string;
}

/** A new pair for an algorithm. */
export function createSigningKey(algorithm: JwtAlgorithm): SigningKey {
  const { privateKey, publicKey } = generate(algorithm);
  return {
    algorithm,
    privateKey,
    publicKey,
    pem: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

function generate(algorithm: JwtAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (algorithm === "EdDSA") return generateKeyPairSync("ed25519");
  if (algorithm === "ES256") return generateKeyPairSync("ec", { namedCurve: "P-256" });
  return generateKeyPairSync("rsa", { modulusLength: 2_048 });
}

/** The raw form in which sqld takes an Ed25519 key. */
export function rawKey({ publicKey }: SigningKey): string {
  return publicKey.export({ format: "jwk" }).x as string;
}

/** The public key as a JWK. */
export function jwkOf(
  { publicKey }: SigningKey,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { ...publicKey.export({ format: "jwk" }), ...more };
}

/** A token as an issuer makes it. */
export function signToken(
  { privateKey, algorithm }: SigningKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, ...header }).sign(privateKey);
}

export function base64Url(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}
