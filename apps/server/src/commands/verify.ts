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
 * something is wrong with one.
 */
export async function verify(names: readonly string[], options: VerifyOptions): Promise<void> {
  const client = options.url === undefined ? undefined : connect(options);
  const results: Verification[] = [];
  for (const name of names) {
    const problems = client === undefined ? problemsOfFile(name) : await client.verify(name);
    const result = { name, ok: problems.length === 0, problems };
    results.push(result);
    if (options.json !== true) console.log(describe(result));
  }
  if (options.json === true) console.log(JSON.stringify(results, undefined, 2));
  const bad = results.filter(({ ok }) => !ok).map(({ name }) => name);
  if (bad.length > 0) throw new CommandError(`${bad.join(", ")}: not in order; restore a backup`);
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
