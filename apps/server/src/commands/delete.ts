import { createInterface } from "node:readline/promises";
import { CommandError } from "../client/command-error.js";
import { type ConnectionOptions, connect } from "../client/connect.js";
import { UsageError } from "../options/usage-error.js";

/** Where the question is asked. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** Deletes a database for good: with --yes, or when somebody at the terminal writes its name. */
export async function deleteDatabase(
  name: string,
  options: ConnectionOptions & { readonly yes?: boolean },
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Promise<void> {
  if (options.yes !== true) await confirm(name, terminal);
  await connect(options).remove(name);
}

async function confirm(name: string, { input, output }: Terminal): Promise<void> {
  if (!input.isTTY)
    throw new UsageError([`deleting ${JSON.stringify(name)} cannot be undone: give --yes to do it unasked`]);
  const questions = createInterface({ input, output });
  // The promise of a question that is left with Ctrl-D never settles.
  const left = new Promise<undefined>((resolve) => questions.once("close", () => resolve(undefined)));
  try {
    const asked = questions.question(`Delete the database "${name}" for good? Write its name: `);
    const answer = await Promise.race([asked.catch(() => undefined), left]);
    if (answer === undefined) {
      output.write("\n");
      throw new CommandError("nothing was deleted");
    }
    if (answer.trim() !== name) throw new CommandError("that is not its name: nothing was deleted");
  } finally {
    questions.close();
  }
}
