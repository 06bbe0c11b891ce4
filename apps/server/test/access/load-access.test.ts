import { execFileSync } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AccessDenial, AccessGrant } from "@tributary/server";
import { describe, expect, test } from "vitest";
import { type AccessOptions, type LoadedAccess, loadAccess } from "../../src/access/load-access.js";
import { tempDirectory } from "../support/temp-directory.js";

const TOKEN = "planted-token-planted";
const OTHER = "another-token-another";

function load(options: Partial<AccessOptions>): Promise<LoadedAccess> {
  return loadAccess({
    authTokenFile: undefined,
    authTokens: undefined,
    authJwtKey: undefined,
    authJwtIssuer: undefined,
    authJwtAudience: undefined,
    authJwtRequireExpiry: false,
    allowAnonymous: undefined,
    ...options,
  });
}

async function ask(
  { authorize }: LoadedAccess,
  token: string | undefined,
  database: string | undefined = "acme",
): Promise<string> {
  const answer: AccessGrant | AccessDenial = await authorize({
    database,
    token,
    request: new Request("http://a"),
  });
  return "denied" in answer ? answer.code : answer.access;
}

function file(name: string, text: string): string {
  const path = join(tempDirectory(), name);
  writeFileSync(path, text);
  return path;
}

interface Issuer {
  readonly publicKey: string;
  token(claims: object): string;
}

function issuer(): Issuer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    token(claims) {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const text = `${part({ alg: "EdDSA", typ: "JWT" })}.${part(claims)}`;
      return `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`;
    },
  };
}

describe("without tokens", () => {
  test("everybody may write, and nobody administers", async () => {
    const access = await load({});
    expect(access.hasTokens).toBe(false);
    expect(await ask(access, undefined)).toBe("write");
    expect(await ask(access, "whatever")).toBe("write");
  });

  test("everybody may read, if that is all that is allowed", async () => {
    const access = await load({ allowAnonymous: "read" });
    expect(await ask(access, undefined)).toBe("read");
    expect(await ask(access, "whatever")).toBe("read");
  });
});

describe("with tokens", () => {
  test("who shows none gets what everybody may, who shows a wrong one nothing", async () => {
    const authTokenFile = file("tokens", `${TOKEN} admin\n${OTHER} read acme`);
    const closed = await load({ authTokenFile });
    expect(await ask(closed, undefined)).toBe("AUTH_HEADER_NOT_FOUND");
    expect(await ask(closed, TOKEN)).toBe("admin");
    expect(await ask(closed, TOKEN, undefined)).toBe("admin");
    expect(await ask(closed, "wrong")).toBe("AUTH_INVALID");
    const open = await load({ authTokenFile, allowAnonymous: "read" });
    expect(await ask(open, undefined)).toBe("read");
    expect(await ask(open, OTHER, "globex")).toBe("AUTH_FORBIDDEN");
    expect(await ask(open, "wrong")).toBe("AUTH_INVALID");
  });

  test("of both kinds, each lets in its own", async () => {
    const { publicKey, token } = issuer();
    const access = await load({
      authTokenFile: file("tokens", `${TOKEN} admin\n${OTHER} read acme`),
      authJwtKey: file("key.pem", publicKey),
      authJwtIssuer: "https://issuer.example",
      authJwtRequireExpiry: true,
    });
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    const iss = "https://issuer.example";
    expect(await ask(access, TOKEN)).toBe("admin");
    expect(await ask(access, OTHER, "globex")).toBe("AUTH_FORBIDDEN");
    expect(await ask(access, token({ iss, exp, a: "ro" }))).toBe("read");
    expect(await ask(access, token({ iss, a: "ro" }))).toBe("AUTH_JWT_INVALID");
    expect(await ask(access, token({ exp, a: "ro" }))).toBe("AUTH_JWT_INVALID");
    expect(await ask(access, issuer().token({ iss, exp }))).toBe("AUTH_JWT_INVALID");
    expect(access.files.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^tokens of /),
      expect.stringMatching(/^keys of /),
    ]);
  });

  test("of both kinds: who shows none is not asked for one kind of them", async () => {
    const access = await load({
      authTokenFile: file("tokens", `${TOKEN} admin`),
      authJwtKey: file("key.pem", issuer().publicKey),
    });
    const request = new Request("http://a");
    expect(await access.authorize({ database: "acme", token: undefined, request })).toEqual({
      denied: "unauthenticated",
      code: "AUTH_HEADER_NOT_FOUND",
      message: "an access token is needed",
    });
  });

  test("in files that cannot be used: all are named", async () => {
    const failed = load({ authTokenFile: "/nowhere/tokens", authJwtKey: "/nowhere/key.pem" });
    await expect(failed).rejects.toMatchObject({
      name: "UsageError",
      mistakes: [expect.stringContaining("/nowhere/tokens"), expect.stringContaining("/nowhere/key.pem")],
    });
  });

  test("files are read again, and broken ones are not", async () => {
    const authTokenFile = file("tokens", `${TOKEN} admin`);
    const first = issuer();
    const authJwtKey = file("key.pem", first.publicKey);
    const access = await load({ authTokenFile, authJwtKey });
    const [tokens, keys] = access.files;
    writeFileSync(authTokenFile, `${OTHER} owner`);
    await expect(tokens?.reload()).rejects.toThrow(/line 1 must be/);
    await expect(tokens?.reload()).rejects.not.toThrow(new RegExp(OTHER));
    writeFileSync(authJwtKey, "planted-key");
    await expect(keys?.reload()).rejects.toThrow(authJwtKey);
    await expect(keys?.reload()).rejects.not.toThrow(/planted-key/);
    expect(await ask(access, TOKEN)).toBe("admin");
    expect(await ask(access, first.token({}))).toBe("write");
    const second = issuer();
    writeFileSync(authTokenFile, `${OTHER} read`);
    writeFileSync(authJwtKey, second.publicKey);
    await Promise.all([tokens?.reload(), keys?.reload()]);
    expect(await ask(access, TOKEN)).toBe("AUTH_JWT_INVALID");
    expect(await ask(access, OTHER)).toBe("read");
    expect(await ask(access, first.token({}))).toBe("AUTH_JWT_INVALID");
    expect(await ask(access, second.token({}))).toBe("write");
  });

  test.each([
    ["short read", /16 to 4096/],
    [`${TOKEN} read\n${TOKEN} admin`, /twice/],
  ])("that cannot be used are refused: %j", async (text, expected) => {
    const authTokenFile = file("tokens", text);
    await expect(load({ authTokenFile })).rejects.toThrow(expected);
    await expect(load({ authTokenFile })).rejects.toThrow(authTokenFile);
    await expect(load({ authTokenFile })).rejects.not.toThrow(new RegExp(TOKEN));
  });
});

test("the token that docs/SELF_HOSTING.md makes lets Alice write to acme", async () => {
  const manual = readFileSync(new URL("../../../../docs/SELF_HOSTING.md", import.meta.url), "utf8");
  const directory = tempDirectory();
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: directory, stdio: "pipe", encoding: "utf8" });
  const makeKeys = [...manual.matchAll(/^openssl (genpkey .*|pkey .*)$/gm)].map(([, args]) => args as string);
  expect(makeKeys.length).toBe(2);
  for (const args of makeKeys) run("openssl", ...args.split(" "));
  const script = /```js\n(\/\/ node make-token\.mjs\n[\s\S]*?)```/.exec(manual)?.[1] as string;
  writeFileSync(join(directory, "make-token.mjs"), script);
  const token = run(process.execPath, "make-token.mjs").trim();
  const access = await load({ authJwtKey: join(directory, "jwt-public.pem") });
  expect(await access.authorize({ database: "acme", token, request: new Request("http://a") })).toMatchObject(
    {
      access: "write",
      client: "alice",
    },
  );
  expect(await ask(access, token, "globex")).toBe("AUTH_FORBIDDEN");
});
