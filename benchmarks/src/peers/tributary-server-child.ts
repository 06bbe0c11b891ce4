// Serves one database file with Tributary's server, and sends the port.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createSyncServer,
  type SyncServerOptions,
  toNodeListener,
  toUpgradeListener,
} from "@tributary/server";

const [path = "", options = "{}"] = process.argv.slice(2);
const sync = createSyncServer({ ...(JSON.parse(options) as SyncServerOptions), path });
const http = createServer({ keepAliveTimeout: 65_000 }, toNodeListener(sync));
http.on("upgrade", toUpgradeListener(sync));
http.listen(0, "127.0.0.1", 4096, () => process.send?.((http.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
