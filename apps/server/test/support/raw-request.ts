import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A connection on which a test decides when which bytes go. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything that came until the other side closed it. */
  readonly answer: Promise<string>;
}

/** Connects to a server, and is gone when the test has finished. */
export async function connectRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  socket.on("error", () => {});
  const answer = new Promise<string>((resolve) => {
    socket.on("close", () => resolve(text));
  });
  return { socket, answer };
}

/** The first lines of a request that runs SQL, whose body is `length` bytes long. */
export function pipelineHead(path: string, length: number, token: string): string {
  return [
    `POST ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    `Authorization: Bearer ${token}`,
    "Content-Type: application/json",
    `Content-Length: ${length}`,
    "",
    "",
  ].join("\r\n");
}
