import { ServerError, verifyDatabaseFile } from "@tributary/server";
import { CommandError } from "../client/command-error.js";
import { type ConnectionOptions, connect } from "../client/connect.js";

/** What was found out about one database. */
interface Verification {
  readonly name: string;
  readonly ok: boolean;
  readonly problems: readonly string[];
}

/** Options of `verify`. */
export interface VerifyOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/**
 * Checks files, or with `--url` databases of a server that runs. Rejects with `CommandError` once all were looked at, if
 * something is wrong with one, or one could not be checked.
 */
export async function verify(names: readonly string[], options: VerifyOptions): Promise<void> {
  const client = options.url === undefined ? undefined : connect(options);
  const results: Verification[] = [];
  const bad: string[] = [];
  const unchecked: string[] = [];
  for (const name of names) {
    try {
      const problems = client === undefined ? problemsOfFile(name) : await client.verify(name);
      const result = { name, ok: problems.length === 0, problems };
      results.push(result);
      if (!result.ok) bad.push(name);
      if (options.json !== true) console.log(describe(result));
    } catch (error) {
      // A file that is missing says nothing about the others.
      const reason = `was not checked: ${error instanceof Error ? error.message : String(error)}`;
      results.push({ name, ok: false, problems: [reason] });
      unchecked.push(`${name} ${reason}`);
    }
  }
  if (options.json === true) console.log(JSON.stringify(results, undefined, 2));
  const failures = [
    ...(bad.length > 0 ? [`${bad.join(", ")}: not in order; restore a backup`] : []),
    ...unchecked,
  ];
  if (failures.length > 0) throw new CommandError(failures.join("\n"));
}

function problemsOfFile(path: string): readonly string[] {
  try {
    return verifyDatabaseFile(path);
  } catch (error) {
    if (error instanceof ServerError && error.code !== "cannot-open" && error.code !== "database-busy")
      return [error.message];
    throw error;
  }
}

function describe({ name, ok, problems }: Verification): string {
  return ok ? `${name}: ok` : problems.map((problem) => `${name}: ${problem}`).join("\n");
}
