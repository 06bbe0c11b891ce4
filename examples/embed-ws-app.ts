// An app with WebSockets of its own on /chat, made with `ws`, and a sync server whose HTTP and sockets are below /sync.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSyncServer, toNodeListener, toUpgradeListener } from "@tributary/server";
import { WebSocketServer } from "ws";

export async function start(path: string, port = 8080): Promise<{ port: number; close(): Promise<void> }> {
  const sync = createSyncServer({
    path,
    // Sockets show their token in their first message, HTTP requests in a header: `token` is either.
    authorize({ token }) {
      if (token === "a-long-secret-of-ada") return { access: "write", client: "ada" };
      return { denied: "unauthenticated", code: "AUTH_INVALID", message: "send your token as authToken" };
    },
  });
  const answerSync = toNodeListener(sync, { prefix: "/sync" });
  const http = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    void answerSync(request, response, () => response.end("the app"));
  });

  // `noServer`: with `{ server, path: "/chat" }`, ws would refuse the sockets of all other paths.
  const chat = new WebSocketServer({ noServer: true });
  chat.on("connection", (socket) => {
    socket.on("message", (text) => {
      for (const client of chat.clients) client.send(String(text));
    });
  });
  const acceptSync = toUpgradeListener(sync, { prefix: "/sync" });
  http.on("upgrade", (request, socket, head) => {
    if (acceptSync(request, socket, head)) return;
    if (request.url !== "/chat") socket.destroy();
    else chat.handleUpgrade(request, socket, head, (client) => chat.emit("connection", client, request));
  });

  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  return {
    port: (http.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => http.close(resolve)); // nobody new
      for (const client of chat.clients) client.close(1001);
      await sync.close(); // ends its sockets and what waits or downloads, and closes the database
      http.closeAllConnections();
      await closed;
    },
  };
}
