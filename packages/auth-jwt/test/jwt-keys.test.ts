import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerError } from "@tributary/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { jwtAuthorizer, loadJwtKeys, parseJwtKeys } from "../src/index.js";
import { createSigningKey, jwkOf, rawKey } from "./support/signing-keys.js";

const ed = createSigningKey("EdDSA");
const ec = createSigningKey("ES256");
const rsa = createSigningKey("RS256");
const rsaPem = (modulusLength: number): string =>
  generateKeyPairSync("rsa", {
    modulusLength,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  }).publicKey;

/** Algorithms and names of the keys that were read. */
function read(source: string | object): string[] {
  return parseJwtKeys(source).map(({ algorithm, id }) =>
    id === undefined ? algorithm : `${algorithm} ${id}`,
  );
}

function mistakeOf(source: string | object): string {
  try {
    parseJwtKeys(source);
  } catch (error) {
    expect(error).toBeInstanceOf(ServerError);
    expect((error as ServerError).code).toBe("invalid-option");
    expect(error).not.toHaveProperty("cause");
    return (error as Error).message;
  }
  throw new Error("no mistake was found");
}

describe("keys", () => {
  test("are read from PEM, one or many", () => {
    expect(read(ed.pem)).toEqual(["EdDSA"]);
    expect(read(`\n# first\n${ed.pem}\r\n${rsa.pem}${ec.pem.replaceAll("\n", "\r\n")}`)).toEqual([
      "EdDSA",
      "RS256",
      "ES256",
    ]);
  });

  test("are read from url-safe base64, the way sqld takes them", () => {
    expect(read(rawKey(ed))).toEqual(["EdDSA"]);
    expect(read(`  ${rawKey(ed)}=\n`)).toEqual(["EdDSA"]);
    const [key] = parseJwtKeys(rawKey(ed));
    expect(key?.key.equals(ed.publicKey)).toBe(true);
  });

  test("are read from a JWK and a JWKS, as objects and as text", () => {
    expect(read(jwkOf(ed))).toEqual(["EdDSA"]);
    const set = {
      keys: [jwkOf(ed, { kid: "1" }), jwkOf(ec, { use: "sig", alg: "ES256" }), jwkOf(rsa, { kid: "3" })],
    };
    expect(read(set)).toEqual(["EdDSA 1", "ES256", "RS256 3"]);
    expect(read(` ${JSON.stringify(set, null, 2)}\n`)).toEqual(["EdDSA 1", "ES256", "RS256 3"]);
  });

  test("of a JWKS that are for something else are passed over", () => {
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" });
    const x25519 = generateKeyPairSync("x25519").publicKey.export({ format: "jwk" });
    const others = [
      p384,
      x25519,
      jwkOf(rsa, { use: "enc" }),
      jwkOf(rsa, { alg: "PS256" }),
      jwkOf(rsa, { alg: "HS256" }),
      jwkOf(rsa, { alg: "none" }),
      jwkOf(ed, { key_ops: ["encrypt"] }),
      { kty: "future" },
    ];
    expect(read({ keys: [...others, jwkOf(ed, { kid: "ours", key_ops: ["verify"] })] })).toEqual([
      "EdDSA ours",
    ]);
    expect(mistakeOf({ keys: others })).toMatch(/there is no key/);
  });
});

describe("refused", () => {
  const privatePem = ed.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  const edBody = ed.pem.split("\n")[1] as string;

  test.each<[string, string | object, RegExp]>([
    ["nothing", "", /must be PEM/],
    ["blank text", " \n ", /must be PEM/],
    ["words", "secret-password", /must be PEM/],
    ["a raw key that is too short", rawKey(ed).slice(1), /must be PEM/],
    ["a private key", privatePem, /block 1 must be a PUBLIC KEY/],
    ["a private key beside a public one", ed.pem + privatePem, /block 2 must be a PUBLIC KEY/],
    ["a certificate", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", /must be a PUBLIC KEY/],
    ["PEM without an end", ed.pem.slice(0, -10), /does not end/],
    ["a second block without an end", `${ed.pem}${ec.pem.slice(0, -10)}`, /does not end/],
    [
      "junk in PEM",
      `-----BEGIN PUBLIC KEY-----\nsecretsecret\n-----END PUBLIC KEY-----`,
      /block 1 cannot be read/,
    ],
    ["half a key", ed.pem.replace(edBody, edBody.slice(0, 20)), /block 1 cannot be read/],
    [
      "a key of another curve",
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey.export({
        type: "spki",
        format: "pem",
      }),
      /Ed25519, P-256 or RSA/,
    ],
    [
      "a key of another kind",
      generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" }),
      /Ed25519, P-256 or RSA/,
    ],
    [
      "RSA-PSS",
      generateKeyPairSync("rsa-pss", { modulusLength: 2_048 }).publicKey.export({
        type: "spki",
        format: "pem",
      }),
      /Ed25519, P-256 or RSA/,
    ],
    ["a short RSA key", rsaPem(1_024), /block 1 is too short: .* 2048 bits/],
    ["broken JSON", '{"keys": [secret]}', /JSON of a JWKS/],
    ["no list", { keys: {} }, /list of keys/],
    ["nothing in it", { keys: [] }, /there is no key/],
    ["a list", [jwkOf(ed)], /must be an object/],
    ["a key that is none", { keys: ["secret"] }, /key 1 must be an object/],
    ["a private JWK", { keys: [jwkOf(ec), ed.privateKey.export({ format: "jwk" })] }, /key 2 is secret/],
    ["an HMAC secret", { keys: [{ kty: "oct", k: "c2VjcmV0" }] }, /key 1 is secret/],
    ["a JWK with half a key", jwkOf(ed, { x: "AAAA" }), /key 1 cannot be read/],
    ["a point that is on no curve", jwkOf(ec, { y: jwkOf(ec).x }), /key 1 cannot be read/],
    ["a kid that is no text", jwkOf(ed, { kid: 7 }), /kid that is no text/],
  ])("is %s, without repeating it", (_, source, mistake) => {
    const message = mistakeOf(source);
    expect(message).toMatch(mistake);
    expect(message).not.toMatch(/secretsecret|secret-password|\[secret|c2VjcmV0/);
    expect(message).not.toContain(edBody.slice(0, 20));
  });

  test("are options that make no sense", () => {
    const keys = parseJwtKeys(ed.pem);
    for (const options of [
      { keys: [] },
      { keys: [jwkOf(ed)] },
      { keys: "junk" },
      { keys, clockToleranceMs: -1 },
      { keys, clockToleranceMs: Number.NaN },
    ]) {
      expect(() => jwtAuthorizer(options)).toThrow(ServerError);
    }
  });
});

describe("a file", () => {
  async function file(content: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "tributary-keys-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const path = join(directory, "keys");
    writeFileSync(path, content);
    return path;
  }

  test.each([ed.pem, `${rawKey(ed)}\n`, JSON.stringify({ keys: [jwkOf(ed)] })])(
    "of keys is read (%#)",
    async (text) => {
      const [key] = await loadJwtKeys(await file(text));
      expect(key?.algorithm).toBe("EdDSA");
      expect(key?.key.equals(ed.publicKey)).toBe(true);
    },
  );

  test.each(["", "my-secret", '{"keys":"my-secret"', `-----BEGIN my-secret-----\n-----END my-secret-----`])(
    "of something else is named, and not repeated (%#)",
    async (text) => {
      const path = await file(text);
      const error = await loadJwtKeys(path).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ServerError);
      expect((error as ServerError).code).toBe("invalid-option");
      expect(error).not.toHaveProperty("cause");
      expect((error as Error).message).toContain(`the keys in ${path} cannot be used: `);
      expect((error as Error).message).not.toContain("my-secret");
    },
  );

  test("that is not there is named", async () => {
    const path = join(await file(""), "..", "missing");
    await expect(loadJwtKeys(path)).rejects.toThrow(/missing cannot be used: ENOENT/);
  });
});
