import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runInThisContext } from "node:vm";
import * as live from "@tributary/live";
import * as protocolWebSocket from "@tributary/protocol-websocket";
import * as streams from "@tributary/streams";
import * as transports from "@tributary/transports";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";

const MODULES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "@tributary/live": live,
  "@tributary/protocol-websocket": protocolWebSocket,
  "@tributary/streams": streams,
  "@tributary/transports": transports,
  "node:http": { createServer },
};

/** The snippets of a page, in their order. */
function snippetsOf(page: string): string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
  return Array.from(text.matchAll(/```ts\n([\s\S]*?)```/g), ([, code]) => code as string);
}

/** Runs snippets as they are printed, one after the other: files go to a directory of the test's. Gives what they named. */
async function run(code: string, names: readonly string[], given: Readonly<Record<string, unknown>> = {}) {
  const directory = temporaryDirectory();
  const scope: Record<string, unknown> = { ...given };
  const body = code
    .replace(/^import \{([^}]*)\} from "([^"]+)";$/gm, (_line, imported: string, from: string) => {
      for (const name of imported.split(",").map((part) => part.trim())) scope[name] = MODULES[from]?.[name];
      return "";
    })
    .replace(/path: "(\w+\.db)"/g, (_text, file: string) => `path: ${JSON.stringify(join(directory, file))}`);
  const parameters = Object.keys(scope);
  const run = runInThisContext(
    `(async ({ ${parameters.join(", ")} }) => {${body}\nreturn { ${names.join(", ")} }; })`,
  ) as (scope: unknown) => Promise<Record<string, unknown>>;
  return await run(scope);
}

const rowsOf = (database: unknown): unknown[] =>
  (database as streams.CapturedDatabase).db.prepare("SELECT * FROM note").raw().all();

const closing = (database: unknown): void =>
  onTestFinished(() => (database as streams.CapturedDatabase).close());

const [pair = "", conflict = "", link = "", hub = "", spoke = ""] = snippetsOf("docs/STREAMS.md");

test("the first pair of docs/STREAMS.md, its conflicts and its link run as they are printed", async () => {
  const { here, there } = await run(`${pair}${conflict}${link}`, ["here", "there"]);
  closing(here);
  closing(there);
  expect(rowsOf(there)).toEqual([["a", "first"]]);
});

test("the hub of docs/STREAMS.md and its spoke run as they are printed", async () => {
  const user = { site: undefined, mayWrite: true, expiresAt: Date.now() + 60_000 };
  const findUser = async (token: string): Promise<unknown> => (token === "right" ? user : undefined);
  const atHub = await run(hub.replace("listen(8080)", "listen(0)"), ["databases", "hub", "server"], {
    findUser,
  });
  const server = atHub.server as Server;
  onTestFinished(() => {
    (atHub.hub as streams.StreamHub).close();
    server.close();
  });
  if (!server.listening) await once(server, "listening");
  const database = (atHub.databases as Map<string, streams.CapturedDatabase>).get("notes");
  closing(database);
  const port = String((server.address() as AddressInfo).port);
  const given = { getToken: () => "right" };
  const atSpoke = await run(spoke.replace("8080", port), ["spoke", "kept", "client"], given);
  closing(atSpoke.spoke);
  const kept = atSpoke.kept as live.KeptLink;
  onTestFinished(() => {
    kept.close();
    (atSpoke.client as live.LiveClient).close();
  });
  (atSpoke.spoke as streams.CapturedDatabase).db.exec("CREATE TABLE note (id); INSERT INTO note VALUES (1)");
  await kept.flush();
  expect(rowsOf(database)).toEqual([[1]]);
});

test("the snippet of packages/streams/README.md runs as it is printed", async () => {
  const sent: unknown[] = [];
  const [code = ""] = snippetsOf("packages/streams/README.md");
  const { notes } = await run(code, ["notes"], {
    sendSomehow: async (payload: unknown) => sent.push(payload),
  });
  closing(notes);
  expect(sent).toHaveLength(1);
  expect((notes as streams.CapturedDatabase).peers()).toMatchObject([{ name: "laptop", isBehind: false }]);
});
