// A server in a process of its own. Tells its port, and asked for `memory` how much it has taken at the most beside what it
// had before, in bytes.
// Arguments: the built package to import, the database's path.
import { createServer } from "node:http";

const [entry, path] = process.argv.slice(2);
const { createSyncServer, toNodeListener, toUpgradeListener } = await import(entry);
const sync = createSyncServer({ path });
const server = createServer(toNodeListener(sync));
server.on("upgrade", toUpgradeListener(sync));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const before = process.memoryUsage.rss();
let largest = before;
setInterval(() => {
  largest = Math.max(largest, process.memoryUsage.rss());
}, 5);
process.on("message", () => process.send(Math.max(largest, process.memoryUsage.rss()) - before));
process.send(server.address().port);
