// A first replica: run `node examples/first-replica.mjs` while a sync server listens, twice to see it keep what it had.
import { openReplica } from "@tributary/replica";

const [url = "http://127.0.0.1:8080", path = "app.db"] = process.argv.slice(2);
const replica = await openReplica({ path, url });

replica.db.exec("CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, body TEXT)");
replica.db.prepare("INSERT INTO notes VALUES (?, ?)").run(crypto.randomUUID(), "written offline");

await replica.sync(); // push what is new here, pull what is new there
console.log(replica.db.prepare("SELECT * FROM notes").all());
await replica.close();
