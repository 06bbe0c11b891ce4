import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { AdminClient } from "../client/admin-client.js";
import { CommandError } from "../client/command-error.js";
import { type ConnectionOptions, connect } from "../client/connect.js";
import { progress } from "../client/progress.js";
import { refuseToOverwrite, saveFile } from "../client/save-file.js";
import { UsageError } from "../options/usage-error.js";
import { lengthOf } from "./export.js";

/** Options of `backup`. */
export interface BackupOptions extends ConnectionOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Saves databases to DIRECTORY/NAME.db. Those that were saved before one failed stay. */
export async function backup(args: readonly string[], options: BackupOptions): Promise<void> {
  const [directory, name] = [args.at(-1), args.length > 1 ? args[0] : undefined];
  if (directory === undefined || args.length > 2) throw new UsageError(["give [NAME] and a DIRECTORY"]);
  if (name !== undefined && options.all === true) throw new UsageError(["give either NAME or --all"]);
  const client = connect(options);
  const names = name === undefined ? await namesOf(client, options.all === true) : [name];
  await makeDirectory(directory);
  const files = names.map((each) => ({ name: each, file: join(directory, `${each}.db`) }));
  // Before anything is written: a run that is repeated shall not end half-way.
  for (const { file } of files) refuseToOverwrite(file);
  for (const { name: each, file } of files) {
    await saveOne(client, each, file);
    if (options.json !== true) console.log(file);
  }
  if (options.json === true) console.log(JSON.stringify(files));
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new CommandError(`the directory ${path} cannot be made: ${(error as Error).message}`, error);
  }
}

async function namesOf(client: AdminClient, isAll: boolean): Promise<readonly string[]> {
  const names = await client.list();
  if (isAll || names.length === 1) return names;
  throw new CommandError(`the server has ${names.length} databases: name one, or give --all`);
}

async function saveOne(client: AdminClient, name: string, file: string): Promise<void> {
  const response = await client.export(name);
  const body = progress(name, lengthOf(response.headers["content-length"]));
  response.on("error", (error) => body.destroy(error));
  await saveFile(file, response.pipe(body));
}
