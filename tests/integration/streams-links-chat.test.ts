import { once } from "node:events";
import { join } from "node:path";
import { type CapturedDatabase, openCapturedDatabase } from "@tributary/streams";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { type ChatEvent, connect, startServer } from "../../examples/chat-with-streams.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const texts = ({ db }: CapturedDatabase): unknown[] =>
  db.prepare("SELECT text FROM messages ORDER BY text").pluck().all();

/** Resolves when a database holds these messages, looked at after each commit. */
function hasTexts(history: CapturedDatabase, expected: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    const look = (): void => {
      const there = history.db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'messages'").get();
      if (there === undefined || texts(history).join() !== expected.join()) return;
      stop?.();
      resolve();
    };
    stop = history.onCommit(look);
    look();
  });
}

test("a chat keeps its own messages, and its history in step: two clients, one of them away for a while", async () => {
  const directory = temporaryDirectory();
  const server = await startServer(join(directory, "server.db"), 0);
  const url = `ws://127.0.0.1:${server.port}`;
  const [ada, bob] = ["ada", "bob"].map((name) => {
    const history = openCapturedDatabase({ path: join(directory, `${name}.db`), name });
    onTestFinished(() => history.close());
    return history;
  }) as [CapturedDatabase, CapturedDatabase];
  onTestFinished(() => server.close());

  const heard: ChatEvent[] = [];
  let onHeard: () => void = () => {};
  const first = await connect(url, "ada", ada, () => {});
  const second = await connect(url, "bob", bob, (event) => {
    heard.push(event);
    onHeard();
  });
  await Promise.all([hasTexts(ada, []), hasTexts(bob, [])]);

  const typing = new Promise<void>((resolve) => {
    onHeard = resolve;
  });
  first.say("1 hello");
  first.tell("typing");
  await Promise.all([typing, hasTexts(bob, ["1 hello"]), hasTexts(server.history, ["1 hello"])]);
  expect(heard).toEqual([{ type: "typing", who: "ada" }]);

  second.close();
  second.say("2 written offline");
  first.say("3 meanwhile");
  await first.flush();
  const again = await connect(url, "bob", bob, () => {});
  const all = ["1 hello", "2 written offline", "3 meanwhile"];
  await Promise.all([ada, bob, server.history].map((history) => hasTexts(history, all)));
  await again.flush();

  // A client that knows nothing of Tributary gets what it always got.
  const old = new WebSocket(url);
  await once(old, "open");
  const message = once(old, "message");
  first.tell("joined");
  expect(JSON.parse(String((await message)[0]))).toEqual({ type: "joined", who: "ada" });
  expect(old.readyState).toBe(WebSocket.OPEN);
  old.terminate();
  first.close();
  again.close();
});
