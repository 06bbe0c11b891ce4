// Opens a transaction with @libsql/client, writes in it, and waits to be killed. Arguments: url, table.
import { createClient } from "@libsql/client";

const [url, table] = process.argv.slice(2);
const transaction = await createClient({ url }).transaction("write");
await transaction.execute(`INSERT INTO ${table} (name) VALUES ('of the dead')`);
process.stdout.write("ready\n");
setInterval(() => {}, 60_000);
