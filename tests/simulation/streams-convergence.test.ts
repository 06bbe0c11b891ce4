import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { type StreamsPlan, StreamsWorld } from "./streams-world.js";

const { TRIBUTARY_SEED, TRIBUTARY_FIRST_SEED = "1", TRIBUTARY_SEEDS } = process.env;

const PLANS: readonly (StreamsPlan & { readonly count: number })[] = [
  {
    test: "a hub and two spokes",
    parents: [undefined, 0, 0],
    hasSchemaChanges: false,
    isOneWay: false,
    writers: [0, 1, 2],
    count: 8,
  },
  {
    test: "a hub and three spokes, whose tables change",
    parents: [undefined, 0, 0, 0],
    hasSchemaChanges: true,
    isOneWay: false,
    writers: [0, 1, 2, 3],
    count: 5,
  },
  {
    test: "a chain in one direction",
    parents: [undefined, 0, 1],
    hasSchemaChanges: true,
    isOneWay: true,
    writers: [0],
    count: 6,
  },
];

test.each(PLANS.map((plan) => [plan.test, plan] as const))(
  "streams: %s",
  { timeout: 0 },
  async (_name, plan) => {
    const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tributary-"));
    const first = Number(TRIBUTARY_SEED ?? TRIBUTARY_FIRST_SEED);
    const count = TRIBUTARY_SEED === undefined ? Number(TRIBUTARY_SEEDS ?? plan.count) : 1;
    try {
      for (let seed = first; seed < first + count; seed++) await runSeed(plan, seed, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

async function runSeed(plan: StreamsPlan, seed: number, directory: string): Promise<void> {
  const world = new StreamsWorld(plan, seed, directory);
  try {
    await world.run();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const command = `TRIBUTARY_SEED=${seed} npx vitest run tests/simulation/streams -t "${plan.test}"`;
    throw new Error(`Seed ${seed}: ${reason}\n${world.story.join("\n")}\nTo repeat it: ${command}`, {
      cause,
    });
  } finally {
    world.end();
  }
}
