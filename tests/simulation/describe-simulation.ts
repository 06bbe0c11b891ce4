import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { runSeed } from "./run-seed.js";
import type { Stage } from "./world.js";

/**
 * A test that runs as many seeds as told, or what the environment says: `TRIBUTARY_SEED` one of them,
 * `TRIBUTARY_SEEDS` as many, from `TRIBUTARY_FIRST_SEED` on.
 */
export function describeSimulation(
  stage: Stage,
  seeds: { readonly from: number; readonly count: number },
): void {
  const {
    TRIBUTARY_SEED,
    TRIBUTARY_FIRST_SEED = String(seeds.from),
    TRIBUTARY_SEEDS = String(seeds.count),
  } = process.env;
  const first = Number(TRIBUTARY_SEED ?? TRIBUTARY_FIRST_SEED);
  const count = TRIBUTARY_SEED === undefined ? Number(TRIBUTARY_SEEDS) : 1;
  test(stage.test, { timeout: 0 }, async () => {
    // In memory where there is such a place: what is durable is not the question here.
    const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tributary-"));
    try {
      for (let seed = first; seed < first + count; seed++) await runSeed(stage, seed, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
