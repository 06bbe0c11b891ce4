// Entry of `npm run soak`: runs the seeded tests over and over, each time with seeds that were not run before, on every
// core, until it is stopped, the time is up or a seed fails. The failure ends with the command that repeats it. One core
// begins with what is too large for every run of the tests: a transaction of 500 MB.
//
//   npm run soak -- [--minutes N] [--from SEED] [--tests PATH]
//
// When the time is up no new run is begun.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "Infinity" },
    from: { type: "string", default: "1000000" },
    tests: {
      type: "string",
      default:
        "tests/simulation/convergence-1 tests/simulation/server tests/simulation/streams " +
        "tests/interop/libsql-offline-rounds tests/interop/libsql-offline-kills",
    },
  },
});
const minutes = Number(values.minutes);
let nextSeed = Number(values.from);
if (!(minutes > 0) || !Number.isSafeInteger(nextSeed)) {
  console.error("usage: npm run soak -- [--minutes N] [--from SEED] [--tests PATH]");
  process.exit(2);
}

/** Seeds of one process: enough that its start does not count, few enough that progress is seen. */
const SEEDS_PER_RUN = 100;
/** Tests of one large transaction, whose size is to be given. */
const LARGE_TESTS = ["tests/integration/streams-links.test.ts", "tests/integration/live-large.test.ts"];
const LARGE_ENV = { TRIBUTARY_LARGE_TRANSACTION_MIB: "500" };
const start = Date.now();
const running = new Set();
let done = 0;

function isTimeUp() {
  return Date.now() - start >= minutes * 60_000;
}

function runSeeds() {
  if (isTimeUp()) return;
  const first = nextSeed;
  nextSeed += SEEDS_PER_RUN;
  const env = {
    TRIBUTARY_FIRST_SEED: String(first),
    TRIBUTARY_SEEDS: String(SEEDS_PER_RUN),
    TRIBUTARY_LIBSQL_SEED: String(first),
    TRIBUTARY_LIBSQL_ROUNDS: String(SEEDS_PER_RUN),
    TRIBUTARY_LIBSQL_KILLS: "30",
  };
  runTests(values.tests.split(" "), env, () => {
    done += SEEDS_PER_RUN;
    console.log(
      `${done} seeds in ${Math.round((Date.now() - start) / 1000)} s, up to ${nextSeed - 1}: all well`,
    );
    runSeeds();
  });
}

function runTests(paths, ownEnv, onPassed) {
  const env = { ...process.env, NO_COLOR: "1", ...ownEnv };
  const child = spawn("node_modules/.bin/vitest", ["run", ...paths], { env });
  running.add(child);
  let output = "";
  const keep = (part) => {
    output += part;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.on("close", (status) => {
    running.delete(child);
    if (process.exitCode === 1) return;
    if (status !== 0) {
      process.exitCode = 1;
      console.log(output);
      console.log(`The environment was ${JSON.stringify(ownEnv)}.`);
      for (const other of running) other.kill();
      return;
    }
    onPassed();
  });
}

runTests(LARGE_TESTS, LARGE_ENV, () => {
  console.log(`large transactions in ${Math.round((Date.now() - start) / 1000)} s: all well`);
  runSeeds();
});
for (let core = 1; core < availableParallelism(); core++) runSeeds();
