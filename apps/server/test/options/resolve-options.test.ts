import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { OptionValues } from "../../src/options/option-table.js";
import { type OptionSources, resolveOptions } from "../../src/options/resolve-options.js";
import { UsageError } from "../../src/options/usage-error.js";
import { tempDirectory } from "../support/temp-directory.js";

function resolve(sources: Partial<OptionSources>): OptionValues {
  return resolveOptions({ flags: {}, variables: {}, ...sources });
}

function mistakesOf(sources: Partial<OptionSources>): readonly string[] {
  try {
    resolve(sources);
  } catch (error) {
    if (error instanceof UsageError) return error.mistakes;
    throw error;
  }
  return [];
}

function configFile(content: unknown): string {
  const path = join(tempDirectory(), "server.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

describe("sources", () => {
  test("a flag counts before a variable, that before the file, and that before the default", () => {
    const config = configFile({ db: "file.db", maxBody: "3MiB", lockTimeout: "3s", maxStreams: 3 });
    const variables = {
      TRIBUTARY_CONFIG: config,
      TRIBUTARY_MAX_BODY: "2MiB",
      TRIBUTARY_LOCK_TIMEOUT: "2s",
      PATH: "/bin",
    };
    expect(resolve({ flags: { maxBody: "1MiB" }, variables })).toMatchObject({
      db: "file.db",
      maxBody: 2 ** 20,
      lockTimeout: 2_000,
      maxStreams: 3,
      maxRow: 16 * 2 ** 20,
    });
  });

  test("a file that a flag names counts before one that a variable names", () => {
    const flags = { config: configFile({ db: "flag.db" }) };
    expect(resolve({ flags, variables: { TRIBUTARY_CONFIG: "/nowhere" } }).db).toBe("flag.db");
  });

  test("an empty variable is none", () => {
    expect(
      resolve({ flags: { db: "a.db" }, variables: { TRIBUTARY_DATA: "", TRIBUTARY_CONFIG: "" } }).data,
    ).toBe(undefined);
  });

  test("lists are repeated as flags, split at commas in a variable, and lists in the file", () => {
    const wanted = ["https://a.example", "https://b.example"];
    const from = (sources: Partial<OptionSources>): unknown => resolve(sources).allowedOrigin;
    expect(from({ flags: { db: "a", allowedOrigin: wanted } })).toEqual(wanted);
    expect(from({ flags: { db: "a" }, variables: { TRIBUTARY_ALLOWED_ORIGIN: wanted.join(", ") } })).toEqual(
      wanted,
    );
    expect(from({ flags: { config: configFile({ db: "a", allowedOrigin: wanted }) } })).toEqual(wanted);
  });
});

test("one error lists the mistakes of all sources, where they are and what is allowed", () => {
  const config = configFile({ db: 5, maxRow: "lots", walLimt: "1MiB", metrics: "maybe", maxWaiters: -1 });
  const mistakes = mistakesOf({
    flags: { config, listen: "nowhere", lockTimeout: "10", logLevel: "loud", domain: "A.example" },
    unknownArguments: ["--max-bdy", "5MiB", "--what=secret-value", "extra"],
    variables: { TRIBUTARY_MAX_STREAMS: "1e9", TRIBUTARY_MAX_BODYS: "1", TRIBUTARY_ZZZ: "1", OTHER: "x" },
  });
  expect(mistakes).toEqual([
    "--max-bdy is no option; did you mean --max-body?",
    "--what is no option",
    'the argument "extra" has no place here',
    "TRIBUTARY_MAX_BODYS is no option; did you mean TRIBUTARY_MAX_BODY?",
    "TRIBUTARY_ZZZ is no option",
    `"walLimt" in ${config} is no option; did you mean walLimit?`,
    `"db" in ${config} must name a file, not 5`,
    '--domain must be a host name in lower case, such as "sync.example.com", not "A.example"',
    '--listen must be HOST:PORT, such as 127.0.0.1:8080, not "nowhere"',
    `"maxWaiters" in ${config} must be a whole number of 0 or more, not -1`,
    '--lock-timeout must be a time such as 500ms, 30s or 5m, 24d at most, not "10"',
    'TRIBUTARY_MAX_STREAMS must be a whole number of 0 or more, not "1e9"',
    `"maxRow" in ${config} must be a size such as 64KiB, 256MiB or 16GiB, not "lots"`,
    '--log-level must be error, warn, info, debug or silent, not "loud"',
    `"metrics" in ${config} must be true or false, not "maybe"`,
    "--domain needs --data as well",
  ]);
});

test("a switch takes no value", () => {
  expect(mistakesOf({ flags: { db: "a" }, unknownArguments: ["--metrics=false"] })).toEqual([
    '--metrics takes no value: leave it out, or set TRIBUTARY_METRICS or "metrics" in the file to false',
  ]);
});

test.each([
  ["sevre", 'there is no command "sevre"; did you mean serve? --help lists them'],
  ["restore", 'there is no command "restore": --help lists them'],
])("%j for a command is no mistake of the options", (word, expected) => {
  const sources = { unknownArguments: [word, "--all", "x"], commands: ["serve", "backup"] };
  expect(mistakesOf(sources)).toEqual([expected]);
});

test("limits under which nothing could be served are refused, all of them at once", () => {
  const flags = { db: "a", headerTimeout: "0", maxOpenDatabases: "0", maxHeader: "0", maxLongPoll: "0" };
  expect(mistakesOf({ flags })).toEqual([
    "--max-header must be more than 0",
    "--header-timeout must be more than 0",
    "--max-open-databases must be more than 0",
  ]);
});

test("what a flag overrules is checked all the same", () => {
  const variables = { TRIBUTARY_MAX_BODY: "x" };
  expect(mistakesOf({ flags: { db: "a.db", maxBody: "1MiB" }, variables })).toEqual([
    expect.stringContaining("TRIBUTARY_MAX_BODY must be a size"),
  ]);
});

describe("options that do not go together", () => {
  test.each<[string, Record<string, string | boolean>, RegExp]>([
    ["nothing to serve", {}, /give --db FILE for one database, or --data DIRECTORY/],
    ["two things to serve", { db: "a", data: "b" }, /--db and --data are both given/],
    ["creation in one file", { db: "a", createOnUse: true }, /--create-on-use needs --data/],
    ["names in one file", { db: "a", libsqlStrictDatabases: "b" }, /--libsql-strict-databases needs --data/],
    ["names in one file", { db: "a", libsqlEmbeddedDatabases: "b" }, /--libsql-embedded-databases needs/],
    ["a certificate without a key", { db: "a", tlsCert: "c" }, /--tls-cert needs --tls-key/],
    ["a key without a certificate", { db: "a", tlsKey: "c" }, /--tls-key needs --tls-cert/],
    ["an issuer without keys", { db: "a", authJwtIssuer: "c" }, /--auth-jwt-issuer needs --auth-jwt-key/],
    ["less retained than the WAL", { db: "a", snapshotRetentionSize: "1MiB" }, /no less than --wal-limit/],
    ["a request shorter than its header", { db: "a", requestTimeout: "1s" }, /no less than --header-timeout/],
    [
      "others without tokens",
      { db: "a", listen: "0.0.0.0:80" },
      /0\.0\.0\.0:80 can be reached.*--allow-anonymous/,
    ],
    [
      "a name without tokens",
      { db: "a", listen: "sync.example.com:80" },
      /can be reached from other machines/,
    ],
    ["IPv6 without tokens", { db: "a", listen: "[::]:80" }, /can be reached from other machines/],
  ])("%s", (_, flags, expected) => {
    expect(mistakesOf({ flags })).toEqual([expect.stringMatching(expected)]);
  });

  test.each<[Record<string, string>]>([
    [{ listen: "0.0.0.0:80", allowAnonymous: "read" }],
    [{ listen: "0.0.0.0:80", authTokenFile: "tokens" }],
    [{ listen: "0.0.0.0:80", authJwtKey: "key.pem" }],
    [{ listen: "[::1]:80" }],
    [{ listen: "localhost:80" }],
    [{ listen: "127.8.0.1:80" }],
  ])("%j is fine", (flags) => {
    expect(mistakesOf({ flags: { db: "a.db", ...flags } })).toEqual([]);
  });

  test("they are named by where they come from", () => {
    const config = configFile({ db: "a.db" });
    expect(mistakesOf({ flags: { config }, variables: { TRIBUTARY_DATA: "dir" } })).toEqual([
      `"db" in ${config} and TRIBUTARY_DATA are both given: one file, or a directory of many`,
    ]);
  });
});

describe("the configuration file", () => {
  test("that is missing is named", () => {
    expect(mistakesOf({ flags: { db: "a", config: "/nowhere/x.json" } })).toEqual([
      "the configuration file /nowhere/x.json cannot be read: ENOENT",
    ]);
  });

  test.each([
    ['{\n  "db": "a.db",\n  planted-secret\n}', / is not JSON: see line 3$/],
    ["[]", / must hold an object/],
    ["", / is not JSON/],
  ])("%j is refused, and not repeated", (content, expected) => {
    const [mistake, ...others] = mistakesOf({ flags: { db: "a", config: configFile(content) } });
    expect(others).toEqual([]);
    expect(mistake).toMatch(expected);
    expect(mistake).not.toContain("planted-secret");
  });
});

describe("secrets", () => {
  const secret = "planted-secret-planted";

  test("have no flag", () => {
    expect(
      mistakesOf({ flags: { db: "a", authTokens: secret }, unknownArguments: [`--auth-tokens=${secret}`] }),
    ).toEqual(["--auth-tokens is no option"]);
    expect(resolve({ flags: { db: "a", authTokens: `${secret} read` } }).authTokens).toBe(undefined);
  });

  test("come from a variable or the file", () => {
    const tokens = [{ token: secret, access: "read" }];
    const variables = { TRIBUTARY_AUTH_TOKENS: `${secret} read` };
    expect(resolve({ flags: { db: "a" }, variables }).authTokens).toEqual(tokens);
    const config = configFile({ db: "a", authTokens: tokens });
    expect(resolve({ flags: { config } }).authTokens).toEqual(tokens);
  });

  test.each([`${secret} anything`, `[{"token":"${secret}"}]`, `["${secret}`])(
    "are not repeated: %s",
    (text) => {
      const mistakes = mistakesOf({ flags: { db: "a" }, variables: { TRIBUTARY_AUTH_TOKENS: text } });
      expect(mistakes).toEqual([expect.stringMatching(/^TRIBUTARY_AUTH_TOKENS /)]);
      expect(mistakes.join()).not.toContain(secret);
    },
  );
});
