import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** What must not compile in core. */
const IMPURE = {
  node: 'import { readFileSync } from "node:fs"; export const use: unknown = readFileSync;',
  buffer: "export const use: unknown = Buffer;",
  process: "export const use: unknown = process;",
  fetch: "export const use: unknown = fetch;",
  timer: "export const use: unknown = setTimeout;",
  console: "export const use: unknown = console;",
  url: "export const use: unknown = URL;",
  text: "export const use: unknown = TextEncoder;",
};

test("a host's module or global does not compile with core's settings", () => {
  const directory = mkdtempSync(join(tmpdir(), "tributary-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, source] of Object.entries(IMPURE)) writeFileSync(join(directory, `${name}.ts`), source);
  writeFileSync(join(directory, "pure.ts"), "export const use: unknown = Uint8Array;");
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
  const config = {
    extends: join(ROOT, "packages/core/tsconfig.json"),
    compilerOptions: { composite: false, noEmit: true, rootDir: directory, tsBuildInfoFile: null },
    include: [join(directory, "*.ts")],
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  const { stdout } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", directory, "--pretty", "false"], {
    encoding: "utf8",
  });
  const refused = new Set(Array.from(stdout.matchAll(/(\w+)\.ts\(\d+,\d+\): error/g), ([, name]) => name));
  expect([...refused].sort()).toEqual(Object.keys(IMPURE).sort());
});

test("the linter refuses, in core, requests that are not made, and the machine's own time and chance", () => {
  const directory = mkdtempSync(join(tmpdir(), "tributary-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const core = join(directory, "packages/core/src");
  mkdirSync(core, { recursive: true });
  cpSync(join(ROOT, "biome.json"), join(directory, "biome.json"));
  cpSync(join(ROOT, "scripts/lint"), join(directory, "scripts/lint"), { recursive: true });
  const lines = [
    'import { io } from "./coroutine/io.js";',
    "export function* made() { yield* io.now(); }",
    "export function* notMade() { io.now(); }",
    "export const time: unknown = Date.now();",
    "export const date: unknown = new Date();",
    "export const chance: unknown = Math.random();",
  ];
  writeFileSync(join(core, "fixture.ts"), `${lines.join("\n")}\n`);
  const { stdout } = spawnSync(
    join(ROOT, "node_modules/.bin/biome"),
    ["lint", "--vcs-enabled=false", "--reporter=github", core],
    { encoding: "utf8", cwd: directory },
  );
  const refused = Array.from(stdout.matchAll(/title=plugin.*,line=(\d+)/g), ([, line]) => Number(line));
  expect(refused.sort()).toEqual([3, 4, 5, 6]);
});
