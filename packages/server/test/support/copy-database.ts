import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { tempDirectory } from "./temp-directory.js";

/**
 * Copies a database that is in use with what lies beside it, as a process that is killed now leaves it: without the
 * `-shm`, which is rebuilt. The times of the files are kept to the nanosecond, which Node cannot do. Gives the path.
 */
export function copyDatabase(path: string): string {
  const directory = tempDirectory();
  const files = ["", "-wal", "-revisions", "-revisions-next"].map((suffix) => path + suffix);
  execFileSync("cp", ["-p", ...files.filter((file) => existsSync(file)), directory]);
  return join(directory, basename(path));
}
