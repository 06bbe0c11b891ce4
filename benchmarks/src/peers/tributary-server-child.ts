// Serves one database file with Tributary's server, and sends the port.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSyncServer, toNodeListener, toUpgradeListener } from "@tributary/server";

const sync = createSyncServer({ path: process.argv[2] as string });
const http = createServer({ keepAliveTimeout: 65_000 }, toNodeListener(sync));
http.on("upgrade", toUpgradeListener(sync));
http.listen(0, "127.0.0.1", () => process.send?.((http.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
