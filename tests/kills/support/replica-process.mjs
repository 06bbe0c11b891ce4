// A replica in a process of its own, made to be killed. Runs the built packages, as an app does. It is told what to do in
// two lines on its standard input, and says what it has done, a line of JSON each, before it does anything else: what was
// said is acknowledged.
import { readFileSync, readSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { openReplica } from "@tributary/replica";

const unread = [];
let partial = "";

/** Waits for a line, in the kernel: nothing else of the process goes on meanwhile. */
function readLine() {
  const buffer = Buffer.alloc(65536);
  while (unread.length === 0) {
    const length = readSync(0, buffer);
    if (length === 0) process.exit(0);
    const lines = (partial + buffer.toString("latin1", 0, length)).split("\n");
    partial = lines.pop();
    unread.push(...lines);
  }
  return JSON.parse(Buffer.from(unread.shift(), "latin1").toString("utf8"));
}

function say(...event) {
  writeSync(1, `${JSON.stringify(event)}\n`);
}

/** Runs an operation, and transactions while it runs. A failure is said; whether it may be is for others to judge. */
async function operate(name, operation, meanwhile = []) {
  say(`${name}-begins`);
  const outcome = operation().then(
    (result) => ({ result }),
    (error) => ({ error }),
  );
  for (const transaction of meanwhile) {
    await setImmediate();
    commit(transaction);
  }
  const { result, error } = await outcome;
  if (error === undefined) say(name, result ?? null);
  else say("failed", name, String(error.code), String(error.stack));
}

function commit({ n, statements }) {
  replica.db.exec("BEGIN");
  for (const { sql, args } of statements) replica.db.prepare(sql).run(...args);
  replica.db.exec("COMMIT");
  say("commit", n);
}

say("ready");
const { path, urlFile, options } = readLine();
// Whoever owns the server writes its address there; while it is down there is none.
const url = () => readFileSync(urlFile, "utf8") || null;
say("open-begins");
const begin = performance.now();
let replica;
try {
  replica = await openReplica({ path, url, ...options, onProgress: () => say("progress") });
  say("open");
} catch (error) {
  say("failed", "open", String(error.code), String(error.stack), performance.now() - begin);
}

for (const { step, transaction, meanwhile } of replica === undefined ? [] : readLine()) {
  if (step === "commit") commit(transaction);
  else await operate(step, () => replica[step](), meanwhile);
}
say("done");
// Waits to be killed, or for the end of whoever would do it.
readLine();
