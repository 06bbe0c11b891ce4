// Several of Turso's sync clients that write at once, for the load test. In a process of its own: their native part may
// hold the event loop. Arguments: directory, rounds, then a URL and a name for each client, which is its token, too.
// Says `written`, waits for a line, pulls, and says what everybody has.
import { once } from "node:events";
import { createInterface } from "node:readline";
import { connect } from "@tursodatabase/sync";

const [directory, rounds, ...rest] = process.argv.slice(2);
const clients = [];
for (let index = 0; index < rest.length; index += 2) {
  const [url, name] = rest.slice(index, index + 2);
  const db = await connect({ path: `${directory}/${name}.db`, url, authToken: name, clientName: name });
  clients.push({ name, db });
}
await Promise.all(
  clients.map(async ({ name, db }) => {
    for (let round = 1; round <= Number(rounds); round++) {
      await db.exec(`INSERT INTO notes VALUES ('${name}/${round}', 'of Turso')`);
      await db.exec(`INSERT INTO log VALUES ('${name}', ${round})`);
      await db.push();
      await db.pull();
    }
  }),
);
process.stdout.write("written\n");
await once(createInterface(process.stdin), "line");
const contents = [];
for (const { name, db } of clients) {
  await db.pull();
  const all = async (sql) => await (await db.prepare(sql)).raw().all();
  contents.push({
    name,
    notes: await all("SELECT id, body FROM notes ORDER BY id"),
    log: await all("SELECT client, n FROM log ORDER BY client, n"),
    shared: await all("SELECT id, body FROM shared ORDER BY id"),
  });
}
process.stdout.write(`${JSON.stringify(contents)}\n`, () => process.exit(0));
