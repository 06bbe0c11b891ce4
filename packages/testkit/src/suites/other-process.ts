import { spawn } from "node:child_process";
import { createRequire } from "node:module";

/**
 * SQLite in another process. Within this one, a second copy of SQLite (an adapter may bring its own) would not see the
 * locks of the first, and would drop them when it closes the file.
 */
const SCRIPT = `
const [driver, path, sql] = process.argv.slice(1);
const db = new (require(driver))(path, { timeout: 0 });
db.exec(sql);
process.stdout.write("ready");
process.stdin.on("data", () => {}).on("end", () => process.exit(0));`;

/** Ends the process, and with it its locks. */
export type EndProcess = () => Promise<void>;

/** Runs SQL in another process, which keeps the database open. Rejects when the SQL fails; the process has ended then. */
export async function runInOtherProcess(path: string, sql: string): Promise<EndProcess> {
  const driver = createRequire(import.meta.url).resolve("better-sqlite3");
  const child = spawn(process.execPath, ["-e", SCRIPT, driver, path, sql], { stdio: "pipe" });
  let errors = "";
  child.stderr.on("data", (part) => {
    errors += String(part);
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ready = new Promise<boolean>((resolve) => child.stdout.once("data", () => resolve(true)));
  if (!(await Promise.race([ready, ended]))) throw new Error(`In another process: ${errors}`);
  return async () => {
    child.stdin.end();
    await ended;
  };
}
