// A sync server below /sync of a Fastify app, which goes on parsing its own bodies.
import type { AddressInfo } from "node:net";
import { createSyncServer, toNodeListener } from "@tributary/server";
import Fastify from "fastify";

export async function start(path: string, port = 8080): Promise<{ port: number; close(): Promise<void> }> {
  const sync = createSyncServer({ path });
  const app = Fastify({ keepAliveTimeout: 65_000, forceCloseConnections: true });
  app.get("/", () => "the app");
  app.post("/echo", (request) => request.body as object);

  app.register((scope, _options, done) => {
    // In this scope only: bodies of whatever type are left unread, for the sync server to read.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    const answerSync = toNodeListener(sync, { prefix: "/sync" });
    scope.all("/sync/*", async (request, reply) => {
      reply.hijack(); // the answer is not Fastify's
      await answerSync(request.raw, reply.raw);
    });
    done();
  });
  // Ends what waits or downloads, before Fastify waits for it.
  app.addHook("preClose", () => sync.close());

  await app.listen({ port, host: "127.0.0.1" });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}
