// A sync server below /sync of a Hono app, for users who show the app's own token.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type HttpBindings, serve } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { createSyncServer, toNodeListener } from "@tributary/server";
import { Hono } from "hono";

const USERS = new Map([["a-long-secret-of-ada", { id: "ada", mayWrite: true }]]);

export async function start(path: string, port = 8080): Promise<{ port: number; close(): Promise<void> }> {
  const sync = createSyncServer({
    path,
    authorize({ token = "" }) {
      const user = USERS.get(token);
      if (user !== undefined) return { access: user.mayWrite ? "write" : "read", client: user.id };
      return { denied: "unauthenticated", code: "AUTH_INVALID", message: "send your token as authToken" };
    },
  });

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get("/", (context) => context.text("the app"));
  // On Node's own request and response: a download that cannot be finished has to cut the connection.
  const answerSync = toNodeListener(sync, { prefix: "/sync" });
  app.all("/sync/*", async ({ env }) => {
    await answerSync(env.incoming as IncomingMessage, env.outgoing as ServerResponse);
    return RESPONSE_ALREADY_SENT;
  });

  const options = { fetch: app.fetch, hostname: "127.0.0.1", port, overrideGlobalObjects: false };
  const http = serve({ ...options, serverOptions: { keepAliveTimeout: 65_000 } });
  if (!http.listening) await new Promise((resolve) => http.once("listening", resolve));
  return {
    port: (http.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => http.close(resolve)); // nobody new
      await sync.close(); // ends what waits or downloads, and closes the database
      if ("closeAllConnections" in http) http.closeAllConnections();
      await closed;
    },
  };
}
