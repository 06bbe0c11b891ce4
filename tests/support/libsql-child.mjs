// Runs steps on a libSQL offline replica: `{ "sql": … }`, `{ "sync": true }`, `{ "kill": true }`. What a sync throws is printed.
import Database from "libsql";

const { path, url, steps } = JSON.parse(process.argv[2]);
const db = new Database(path, { syncUrl: url, offline: true, authToken: "none" });
for (const { sql, sync, kill } of steps) {
  if (kill) process.kill(process.pid, "SIGKILL");
  if (sql !== undefined) db.exec(sql);
  if (!sync) continue;
  try {
    db.sync();
  } catch (error) {
    process.stdout.write(`refused: ${error.message}\n`);
  }
}
db.close();
