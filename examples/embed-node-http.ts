// A sync server below /sync of an app on node:http: replicas and SQL clients use http://HOST:PORT/sync as their URL.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSyncServer, toNodeListener } from "@tributary/server";

export async function start(path: string, port = 8080): Promise<{ port: number; close(): Promise<void> }> {
  const sync = createSyncServer({ path });
  const answerSync = toNodeListener(sync, { prefix: "/sync" });

  // Connections are kept for longer than Node's 5 s: clients that use one just when it is closed get a reset.
  const http = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    // What is not below /sync is the app's.
    void answerSync(request, response, () => response.end("the app"));
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  return {
    port: (http.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => http.close(resolve)); // nobody new
      await sync.close(); // ends what waits or downloads, and closes the database
      http.closeAllConnections(); // those that are kept open
      await closed;
    },
  };
}
