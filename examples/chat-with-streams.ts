// A chat with a `ws` server and JSON messages of its own, as there are many. Its history, in SQLite on the server and on each
// client, is kept in step by Tributary over the sockets that the chat has: the lines marked "+" are all that was added.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { linkStreams, type StreamLink } from "@tributary/live";
import { multiplexSocket } from "@tributary/protocol-websocket";
import { type CapturedDatabase, openCapturedDatabase } from "@tributary/streams";
import { WebSocket, WebSocketServer } from "ws";

/** What the chat says to its clients, as ever: who is typing, who is there. */
export type ChatEvent = { readonly type: "typing" | "joined"; readonly who: string };

export interface ChatServer {
  readonly port: number;
  readonly history: CapturedDatabase;
  close(): Promise<void>;
}

export async function startServer(path: string, port = 8080): Promise<ChatServer> {
  const history = openCapturedDatabase({ path, name: "chat" }); // + in place of `new Database(path)`
  history.db.exec("CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, who, text, sent_at)");

  const server = new WebSocketServer({ port, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    const shared = multiplexSocket(socket, {
      onChannel: (channel) => void linkStreams(channel, { streams: history }), // +
    });
    socket.on("message", (data, isBinary) => {
      if (shared.take(data, isBinary)) return; // +
      for (const client of server.clients) if (client !== socket) client.send(String(data));
    });
  });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    history,
    async close() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
      history.close(); // + in place of `db.close()`
    },
  };
}

export interface ChatClient {
  readonly history: CapturedDatabase;
  /** Writes a message: into the own history, which works offline too. */
  say(text: string): void;
  /** Tells the others something that is not worth keeping. */
  tell(event: ChatEvent["type"]): void;
  /** Resolves when the server has all messages that were written here. */
  flush(): Promise<void>;
  close(): void;
}

/** A client that is connected; while it is not, its history can be read and written all the same. */
export async function connect(
  url: string,
  who: string,
  history: CapturedDatabase,
  onEvent: (event: ChatEvent) => void,
): Promise<ChatClient> {
  const socket = new WebSocket(url);
  const shared = multiplexSocket(socket); // +
  socket.on("message", (data, isBinary) => {
    if (!shared.take(data, isBinary)) onEvent(JSON.parse(String(data)) as ChatEvent); // + `if`
  });
  await once(socket, "open");
  // The server decides on the order of what everybody writes.
  const link: StreamLink = linkStreams(shared.open(), { streams: history, receive: { rebase: true } }); // +
  return {
    history,
    say(text) {
      const insert = history.db.prepare("INSERT INTO messages VALUES (?, ?, ?, ?)");
      insert.run(crypto.randomUUID(), who, text, new Date().toISOString());
    },
    tell: (type) => socket.send(JSON.stringify({ type, who } satisfies ChatEvent)),
    flush: () => link.flush(), // +
    close() {
      link.close(); // +
      socket.close();
    },
  };
}
