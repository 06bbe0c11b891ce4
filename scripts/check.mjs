// The checks beside the tests: formatting and lint, types of the tests, unused code, package contents and types, and
// that generated code is what its sources generate. Runs from a built workspace; prints one line per check.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const packages = readdirSync("packages").map((name) => `packages/${name}`);
const published = packages.filter(
  (path) => JSON.parse(readFileSync(`${path}/package.json`, "utf8")).private !== true,
);

const checks = [
  ["lint and format", "biome", ["ci", "--colors=off", "."]],
  ["types of tests", "tsc", ["-p", "tsconfig.tests.json"]],
  ["unused code", "knip", []],
  ...published.map((path) => [`publint ${path}`, "publint", [path, "--strict"]]),
  ...published.map((path) => [`attw ${path}`, "attw", ["--pack", path, "--profile", "esm-only"]]),
  ["generated code", "turbo", ["run", "generate", "--force", "--output-logs=errors-only"]],
  ["generated code is up to date", "git", ["diff", "--exit-code", "--", "packages/wire/src/gen"]],
  ["file lengths", "node", ["scripts/file-lengths.mjs"]],
  ["spec and errors", "node", ["scripts/check-docs.mjs"]],
];

let failed = 0;
for (const [name, command, args] of checks) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    shell: false,
    env: { ...process.env, NO_COLOR: "1", PATH: `node_modules/.bin:${process.env.PATH}` },
  });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name}`);
  if (status === 0) continue;
  failed++;
  console.log(stdout, stderr);
}
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
