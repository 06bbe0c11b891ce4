import { createReadStream, statSync } from "node:fs";
import { type ConnectionOptions, connect } from "../client/connect.js";
import { progress } from "../client/progress.js";
import { UsageError } from "../options/usage-error.js";

/** Makes a new database of an SQLite file. */
export async function importDatabase(name: string, file: string, options: ConnectionOptions): Promise<void> {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) throw new UsageError([`there is no file ${file}`]);
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false });
  // Its commits would be left out without a word.
  if (wal !== undefined && wal.size > 0) {
    throw new UsageError([
      `${file} is in use, or was not closed properly: there is a write-ahead log beside it. Close it, or import a copy made ` +
        "with VACUUM INTO",
    ]);
  }
  const client = connect(options);
  const source = createReadStream(file, { end: Math.max(0, stats.size - 1) });
  const body = progress(file, stats.size);
  source.on("error", (error) => body.destroy(error));
  await client.import(name, source.pipe(body), stats.size);
}
