// Runs one job that it is sent, and sends what it measured.
import { JOBS, type Jobs } from "./jobs.js";

process.once("message", async (message) => {
  const { name, args } = message as { name: keyof Jobs; args: never };
  try {
    process.send?.(await JOBS[name](args));
  } catch (error) {
    process.send?.({ error: error instanceof Error ? String(error.stack) : String(error) });
  }
});
process.on("disconnect", () => process.exit());
