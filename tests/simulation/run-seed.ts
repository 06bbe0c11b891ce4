import { doStep } from "./steps.js";
import { type Stage, World } from "./world.js";

/** Runs one seed from its beginning to the end. A failure tells the steps so far and the command that repeats them. */
export async function runSeed(stage: Stage, seed: number, directory: string): Promise<void> {
  const world = new World(stage, seed, directory);
  try {
    await world.begin();
    for (let count = 5 + world.random.below(stage.steps - 4); count > 0; count--) await doStep(world);
    world.story.push("the end");
    await world.finish();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const story = world.story.map((line, index) => `  ${index + 1}. ${line}`).join("\n");
    const command = `TRIBUTARY_SEED=${seed} npx vitest run tests/simulation -t "${stage.test}"`;
    throw new Error(`Seed ${seed}: ${reason}\n${story}\nTo repeat it: ${command}`, { cause });
  } finally {
    await world.end();
  }
}
