// A sync server below /sync of an Express app, for whoever is logged in: the app's cookie, or its token where there are
// no cookies, as in a sync client.
import type { AddressInfo } from "node:net";
import { createSyncServer, toNodeListener } from "@tributary/server";
import express from "express";

const SESSIONS = new Map([["a-long-secret-of-ada", "ada"]]);

export async function start(path: string, port = 8080): Promise<{ port: number; close(): Promise<void> }> {
  const sync = createSyncServer({
    path,
    authorize({ request, token }) {
      const cookie = /(?:^|; )session=([^;]+)/.exec(request.headers.get("cookie") ?? "")?.[1];
      const user = SESSIONS.get(cookie ?? token ?? "");
      if (user !== undefined) return { access: "write", client: user };
      return { denied: "unauthenticated", code: "AUTH_INVALID", message: "log in first" };
    },
  });

  const app = express();
  // Before `express.json()`: the server reads bodies itself. Express takes /sync off the URL.
  app.use("/sync", toNodeListener(sync));
  app.use(express.json());
  app.get("/", (_request, response) => void response.send("the app"));
  app.post("/echo", (request, response) => void response.json(request.body));

  const http = app.listen(port, "127.0.0.1");
  http.keepAliveTimeout = 65_000;
  await new Promise((resolve) => http.once("listening", resolve));
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
