// Entry of `npm run demo`, `npm test`, `npm run check` and `npm run bench`: a machine that has Node, npm and a C++ compiler needs
// nothing else. The pinned pnpm is fetched through npx, the workspace is installed from the lockfile and built.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const PNPM = JSON.parse(readFileSync("package.json", "utf8")).packageManager;

const TASKS = {
  demo: [
    ["exec", "turbo", "run", "build", "--output-logs=errors-only"],
    ["exec", "node", "apps/demo/dist/main.js"],
  ],
  test: [
    ["exec", "turbo", "run", "build", "--output-logs=errors-only"],
    ["exec", "vitest", "run"],
  ],
  bench: [
    ["exec", "turbo", "run", "build", "--output-logs=errors-only"],
    ["exec", "node", "benchmarks/dist/main.js"],
  ],
  check: [
    ["exec", "turbo", "run", "build", "--output-logs=errors-only"],
    ["exec", "node", "scripts/check.mjs"],
  ],
};

function pnpm(args) {
  const { status, error } = spawnSync("npx", ["--yes", PNPM, ...args], {
    stdio: "inherit",
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", TURBO_NO_UPDATE_NOTIFIER: "1" },
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const [name = "", ...rest] = process.argv.slice(2);
const steps = TASKS[name];
if (steps === undefined) {
  console.error(`usage: node scripts/workspace.mjs ${Object.keys(TASKS).join("|")} [arguments]`);
  process.exit(2);
}
pnpm(["install", "--frozen-lockfile", "--prefer-offline", "--reporter=append-only", "--loglevel=warn"]);
steps.forEach((step, index) => {
  pnpm(index === steps.length - 1 ? [...step, ...rest] : step);
});
