// The real Turso sync client with databases below paths, and with tokens. In a process of its own: its native part may
// hold the event loop. Arguments: url of the server, directory. Prints one line of JSON.
import { connect } from "@tursodatabase/sync";

const [url, directory] = process.argv.slice(2);
const open = (name, database, authToken) =>
  connect({ path: `${directory}/${name}.db`, url: `${url}/${database}/`, authToken, clientName: name });
const rows = async (db) => await (await db.prepare("SELECT body FROM notes ORDER BY body")).all();
const failure = (promise) =>
  promise.then(
    () => "none",
    (error) => error.message,
  );

const acme = await open("writer-acme", "acme", "token-that-writes-acme");
await acme.exec("CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT)");
await acme.exec("INSERT INTO notes VALUES ('1', 'of acme')");
await acme.push();
const other = await open("writer-other", "other", async () => "token-that-writes-other");
await other.exec("CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT)");
await other.exec("INSERT INTO notes VALUES ('1', 'of the other')");
await other.push();

let token = "token-that-reads-acme";
const reader = await open("reader", "acme", async () => token);
const bootstrapped = await rows(reader);
await acme.exec("INSERT INTO notes VALUES ('2', 'of acme, later')");
await acme.push();
const isNew = await reader.pull();
await reader.exec("INSERT INTO notes VALUES ('3', 'written by the reader')");
const refused = await failure(reader.push());
await reader.pull();
const kept = await rows(reader);
// Once it may write, what was refused arrives.
token = "token-that-writes-acme";
await reader.push();
await acme.pull();
await other.pull();

const result = {
  bootstrapped,
  isNew,
  refused,
  kept,
  acme: await rows(acme),
  other: await rows(other),
  wrongToken: await failure(open("wrong", "acme", "token-that-nobody-knows")),
  otherToken: await failure(open("mixed-up", "acme", "token-that-writes-other")),
  missing: await failure(open("missing", "missing", "token-that-writes-all")),
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
