import { buildProgram } from "./commands/build-program.js";
import { explainFailure } from "./commands/explain-failure.js";

// Whoever reads the output may stop before its end: `| head`. That is no reason to crash, least of all for a server.
process.stdout.on("error", () => {});
try {
  await buildProgram().parseAsync();
} catch (error) {
  const { text, exitCode } = explainFailure(error);
  if (text !== undefined) console.error(text);
  process.exitCode = exitCode;
}
