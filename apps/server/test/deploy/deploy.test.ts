import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";
import { expect, test } from "vitest";
import { flagOf } from "../../src/options/option-names.js";
import { OPTION_ENTRIES } from "../../src/options/option-table.js";
import { resolveOptions } from "../../src/options/resolve-options.js";
import { readUnit } from "../support/read-unit.js";

function read(path: string): string {
  return readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
}

const FLAGS = new Set(["--config", ...OPTION_ENTRIES.map(([key]) => flagOf(key))]);

/** The flags among arguments of the server. */
function flagsOf(args: readonly string[]): string[] {
  return args.filter((arg) => arg.startsWith("--"));
}

/** Instructions by name, with lines that go on joined. */
function instructionsOf(dockerfile: string): (readonly [name: string, rest: string])[] {
  return dockerfile
    .replace(/^#.*\n/gm, "")
    .replaceAll("\\\n", "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()]);
}

test("the Dockerfile is one", () => {
  const dockerfile = read("deploy/Dockerfile");
  expect(validate(dockerfile)).toEqual([]);
  expect(validate(dockerfile.replace("EXPOSE 8080", "EXPOSE http"))).not.toEqual([]);
});

test("the image runs as nobody in particular, and starts the server with options that there are", () => {
  const instructions = instructionsOf(read("deploy/Dockerfile"));
  const last = (wanted: string): string => instructions.findLast(([name]) => name === wanted)?.[1] as string;
  expect(instructions.filter(([name]) => name === "FROM").map(([, image]) => image)).toEqual([
    "node:20-bookworm-slim AS build",
    "node:20-bookworm-slim",
  ]);
  expect(last("USER")).toMatch(/^[1-9][0-9]*:[1-9][0-9]*$/);
  expect(JSON.parse(last("VOLUME"))).toEqual(["/data"]);
  expect(last("HEALTHCHECK")).toContain("/health");
  const args = JSON.parse(last("CMD")) as string[];
  expect(args[0]).toBe("serve");
  expect(flagsOf(args).filter((flag) => !FLAGS.has(flag))).toEqual([]);
  // `docker stop` kills after 10 s, and closing may take 5 s of them.
  expect(args.slice(args.indexOf("--shutdown-timeout"))).toEqual(["--shutdown-timeout", "5s"]);
});

test("the unit has directives that there are, and starts the server with options that there are", () => {
  const unit = readUnit(read("deploy/tributary-server.service"));
  const [start = "", ...others] = unit.get("Service")?.get("ExecStart") ?? [];
  expect(others).toEqual([]);
  const [node, script, command, ...args] = start.split(" ");
  expect([node, script, command]).toEqual([
    "/usr/bin/node",
    "/opt/tributary/bin/tributary-server.js",
    "serve",
  ]);
  expect(flagsOf(args)).toEqual(["--config", "--auth-token-file"]);
  expect(flagsOf(args).filter((flag) => !FLAGS.has(flag))).toEqual([]);
  const value = (name: string): string | undefined => unit.get("Service")?.get(name)?.[0];
  expect([value("DynamicUser"), value("NoNewPrivileges"), value("ProtectSystem")]).toEqual([
    "yes",
    "yes",
    "strict",
  ]);
  expect(value("StateDirectory")).toBe("tributary");
  expect([value("Restart"), value("RestartPreventExitStatus")]).toEqual(["on-failure", "2"]);
  const { shutdownTimeout } = resolveOptions({ flags: { db: "a" }, variables: {} });
  expect(Number(value("TimeoutStopSec")) * 1_000).toBeGreaterThan(shutdownTimeout + 5_000);
});

test.each([
  ["[Service]\nExecStrat=/bin/true", /line 2: ExecStrat is no directive of \[Service\]/],
  ["[Sevice]\nType=exec", /line 1: there is no section/],
  ["Type=exec", /line 1: stands in no section/],
  ["[Unit]\nwhat is this", /line 2: is no directive/],
  ["[Service]\nProtectSystem=mostly", /line 2: ProtectSystem cannot be mostly/],
  ["[Service]\nTimeoutStopSec=soon", /line 2: TimeoutStopSec cannot be soon/],
])("a unit with a mistake is none: %j", (text, expected) => {
  expect(() => readUnit(text)).toThrow(expected);
});

test("the example of a configuration file goes with the unit", () => {
  const path = new URL("../../../../deploy/tributary.example.json", import.meta.url).pathname;
  const options = resolveOptions({ flags: { config: path, authTokenFile: "tokens" }, variables: {} });
  expect(options).toMatchObject({ data: "/var/lib/tributary", listen: "127.0.0.1:8080", metrics: true });
});
