import { readFileSync } from "node:fs";
import type { SyncServerOptions } from "@tributary/server";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addServeOptions } from "../../src/options/add-serve-options.js";
import { flagOf, variableOf } from "../../src/options/option-names.js";
import { type MappedSyncOption, OPTION_ENTRIES } from "../../src/options/option-table.js";
import { resolveOptions } from "../../src/options/resolve-options.js";
import { toSyncOptions } from "../../src/options/to-sync-options.js";
import { VALUE_KINDS } from "../../src/options/value-kinds.js";

const manual = readFileSync(new URL("../../../../docs/SELF_HOSTING.md", import.meta.url), "utf8");

test.each(OPTION_ENTRIES)("docs/SELF_HOSTING.md has the option %s as it is", (key, entry) => {
  const { placeholder } = VALUE_KINDS[entry.kind];
  const flag = placeholder === undefined ? flagOf(key) : `${flagOf(key)} <${placeholder}>`;
  const name = entry.hasNoFlag === true ? `\`${variableOf(key)}\`` : `\`${flag}\``;
  const value = entry.default ?? entry.defaultNote ?? "";
  const row = `| ${name.replaceAll("|", "\\|")} | ${value} | ${entry.description.replaceAll("|", "\\|")} |`;
  expect(manual.split("\n")).toContain(row);
});

test("docs/SELF_HOSTING.md names no option that does not exist", () => {
  const flags = new Set(OPTION_ENTRIES.map(([key]) => flagOf(key)));
  const named = [...manual.matchAll(/^\| `(--[a-z-]+)[^`]*` \|/gm)].map(([, flag]) => flag as string);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((flag) => !flags.has(flag))).toEqual([]);
});

test("every default is a value of its kind", () => {
  const values = resolveOptions({ flags: { db: "a.db" }, variables: {} });
  for (const [key, entry] of OPTION_ENTRIES) {
    if (entry.default !== undefined) expect(values[key], key).toBeDefined();
  }
});

test("becomes flags of a command", () => {
  const command = addServeOptions(new Command("serve")).exitOverride();
  command.parse(
    [
      "--db",
      "a.db",
      "--max-body",
      "1MiB",
      "--allowed-origin",
      "*",
      "--allowed-origin",
      "https://a.example",
      "--metrics",
    ],
    { from: "user" },
  );
  expect(command.opts()).toEqual({
    db: "a.db",
    maxBody: "1MiB",
    allowedOrigin: ["*", "https://a.example"],
    metrics: true,
  });
});

/** Options of the library that the program has no option for. */
type Missing = Exclude<keyof SyncServerOptions, MappedSyncOption>;

test("becomes options of the library: of all but those that are code", () => {
  // That of libSQL is made of several: see below.
  const missing: Record<Missing, null> = {
    authorize: null,
    onRequest: null,
    clock: null,
    streams: null,
    libsql: null,
  };
  expect(OPTION_ENTRIES.map(([, { sync }]) => sync as string).filter((name) => name in missing)).toEqual([]);

  const values = resolveOptions({
    flags: { data: "dir", createOnUse: true, lockTimeout: "3s", allowedOrigin: "*" },
    variables: {},
  });
  const options = toSyncOptions(values);
  expect(options).toMatchObject({
    dataDirectory: "dir",
    createOnUse: true,
    lockTimeoutMs: 3_000,
    maxBodyBytes: 256 * 2 ** 20,
    allowedOrigins: ["*"],
  });
  expect(Object.values(options)).not.toContain(undefined);
});

test("says by database how libSQL's clients are served", () => {
  const libsqlOf = (flags: Readonly<Record<string, unknown>>) =>
    toSyncOptions(resolveOptions({ flags: { data: "dir", ...flags }, variables: {} })).libsql as (
      database: string,
    ) => unknown;
  const usual = libsqlOf({});
  expect(usual("acme")).toEqual({ offline: "merge", probe: "offline" });

  const some = libsqlOf({
    libsqlStrictDatabases: ["acme", "globex"],
    libsqlEmbeddedDatabases: "acme,initech",
  });
  expect(some("acme")).toEqual({ offline: "strict", probe: "embedded" });
  expect(some("globex")).toEqual({ offline: "strict", probe: "offline" });
  expect(some("initech")).toEqual({ offline: "merge", probe: "embedded" });

  const all = libsqlOf({ libsqlOffline: "strict", libsqlProbe: "embedded" });
  expect(all("acme")).toEqual({ offline: "strict", probe: "embedded" });
});
