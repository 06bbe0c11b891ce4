// Breaks one step of an apply after the other, in a copy of the tree, and runs the tests against each: all of them have
// to fail. Prints one line per break; exits 1 when a break survives. Not part of CI: it takes minutes.
//
//   node scripts/break-apply.mjs [--only WORD] [TESTS…]      (default: see DEFAULT_TESTS)
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BREAKS } from "./breaks-of-apply.mjs";

/** Not those of tests/crash that need a build. */
const DEFAULT_TESTS = [
  "tests/crash/every-crash-point",
  "tests/crash/every-failure",
  "tests/crash/remote-faults",
  "packages/core/test/pages",
];
const LEFT_OUT = new Set([".git", ".turbo", "dist", "node_modules"]);

/** Copies the sources, and makes node_modules that lead to the copy for our packages and to the original for others. */
function copyTree(to) {
  cpSync(".", to, { recursive: true, filter: (path) => !LEFT_OUT.has(path.split("/").at(-1)) });
  for (const folder of [
    ".",
    ...["packages", "apps"].flatMap((group) => readdirSync(group).map((name) => `${group}/${name}`)),
  ]) {
    const modules = join(folder, "node_modules");
    if (!existsSync(modules)) continue;
    mkdirSync(join(to, modules), { recursive: true });
    for (const name of readdirSync(modules)) {
      if (name === "@tributary")
        cpSync(join(modules, name), join(to, modules, name), { recursive: true, verbatimSymlinks: true });
      else symlinkSync(resolve(modules, name), join(to, modules, name));
    }
  }
}

/** The first test that failed; `undefined` when none did. */
function firstFailure(tree, tests) {
  const { status, stdout, stderr } = spawnSync(
    join(tree, "node_modules/.bin/vitest"),
    ["run", "--bail=1", "--reporter=json", ...tests],
    { cwd: tree, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
  );
  if (status === 0) return undefined;
  const start = stdout.indexOf('{"num');
  if (start === -1) return `no test ran: ${stderr.trim().split("\n").at(-1)}`;
  const { testResults } = JSON.parse(stdout.slice(start));
  const failed = testResults.flatMap(({ name, message, assertionResults }) => {
    const file = name.slice(tree.length + 1);
    const tests = assertionResults.filter((result) => result.status === "failed");
    if (tests.length > 0) return tests.map((result) => `${file}: ${result.fullName}`);
    return message === "" ? [] : [`${file}: ${message.split("\n")[0]}`];
  });
  return failed[0] ?? "the run failed without a failed test";
}

const [...args] = process.argv.slice(2);
const only = args[0] === "--only" ? args.splice(0, 2)[1] : undefined;
const tests = args.length > 0 ? args : DEFAULT_TESTS;
const tree = join(mkdtempSync(join(tmpdir(), "tributary-breaks-")), "tree");
let survivors = 0;
try {
  copyTree(tree);
  const before = firstFailure(tree, tests);
  if (before !== undefined) throw new Error(`A test fails without a break: ${before}`);
  for (const { name, file, find, replace } of BREAKS) {
    if (only !== undefined && !name.includes(only)) continue;
    const path = join(tree, file);
    const source = readFileSync(path, "utf8");
    if (source.split(find).length !== 2)
      throw new Error(`${name}: the text to replace is not in ${file} exactly once.`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
    const caught = firstFailure(tree, tests);
    writeFileSync(path, source);
    if (caught === undefined) survivors++;
    console.log(
      `${caught === undefined ? "SURVIVED" : "caught  "} ${name}${caught === undefined ? "" : ` — ${caught}`}`,
    );
  }
} finally {
  rmSync(join(tree, ".."), { recursive: true, force: true });
}
console.log(survivors === 0 ? "every break was caught" : `${survivors} survived`);
process.exit(survivors === 0 ? 0 : 1);
