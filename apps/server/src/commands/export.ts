import { pipeline } from "node:stream/promises";
import { CommandError } from "../client/command-error.js";
import { type ConnectionOptions, connect } from "../client/connect.js";
import { progress } from "../client/progress.js";
import { refuseToOverwrite, saveFile } from "../client/save-file.js";

/** Saves a database as an SQLite file, or writes it to stdout for `-`. */
export async function exportDatabase(name: string, file: string, options: ConnectionOptions): Promise<void> {
  const client = connect(options);
  if (file !== "-") refuseToOverwrite(file);
  const response = await client.export(name);
  const body = progress(name, lengthOf(response.headers["content-length"]));
  response.on("error", (error) => body.destroy(error));
  response.pipe(body);
  if (file !== "-") return await saveFile(file, body);
  try {
    await pipeline(body, process.stdout, { end: false });
  } catch (error) {
    throw new CommandError("the database did not arrive as a whole: do not use what was written", error);
  }
}

/** The number of a content-length; undefined for a body of chunks. */
export function lengthOf(header: string | undefined): number | undefined {
  return header === undefined ? undefined : Number(header);
}
