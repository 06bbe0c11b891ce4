import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FRAME_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../../../tests/support/temporary-directory.js";
import type { Branch } from "../../src/offline/branch.js";
import { openBranchStore } from "../../src/offline/file-branch-store.js";
import type { Standing } from "../../src/offline/standing.js";

const CHILD = fileURLToPath(new URL("branch-libsql-child.mjs", import.meta.url));
const NOWHERE: Standing = { equalTo: undefined, compared: undefined, offered: undefined };

/** As much of the protocol as shows what a real client sends: everything that is pushed is taken. */
class Host {
  readonly verdicts: string[] = [];
  readonly branch: Branch;

  constructor(branch: Branch) {
    this.branch = branch;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray());
    const [kind, ...rest] = (request.url as string).split("/").slice(1);
    const [generation = 0, start = 0, end = 0] = rest.map(Number);
    const { branch } = this;
    const newest = branch.generations.at(-1)?.generation as number;
    if (kind === "info") return send(response, 200, { current_generation: newest });
    const from = branch.generations.find((entry) => entry.generation === generation)?.start as number;
    const to = branch.generations.find((entry) => entry.generation === generation + 1)?.start ?? branch.head;
    if (kind === "export") {
      const image = branch.imageAt(from);
      const pages = Array.from({ length: image.size }, (_, index) => image.readPage(index + 1).slice());
      response.end(Buffer.concat(pages));
    } else if (request.method === "GET") {
      const upTo = Math.min(to, from + end - 1);
      if (from + start > upTo) return send(response, 400, { generation: newest });
      response.end(branch.readFrames(from + start - 1, upTo));
    } else {
      this.verdicts.push(branch.checkChain(from + start, body));
      branch.stage(body, "replica");
      if (body.readUInt32BE(body.length - FRAME_SIZE + 4) > 0) branch.commit(branch.stagedEnd, NOWHERE);
      send(response, 200, { status: "ok", generation, max_frame_no: end - 1, baton: "b" });
    }
  }

  /** What others have written: a page that belongs to no table of the replica is enough. */
  offer(count: number): void {
    const image = this.branch.imageAt(this.branch.head);
    const first = image.size + 1;
    const frames = new Uint8Array(count * FRAME_SIZE);
    const view = new DataView(frames.buffer);
    for (let index = 0; index < count; index++) view.setUint32(index * FRAME_SIZE, first + index);
    view.setUint32((count - 1) * FRAME_SIZE + 4, first + count - 1);
    this.branch.stage(frames, "server");
    this.branch.commit(this.branch.stagedEnd, NOWHERE);
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

class Replica {
  readonly #process: ChildProcess = fork(CHILD, { execArgv: [], stdio: "ignore" });
  #calls = 0;

  constructor() {
    onTestFinished(() => this.kill());
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async call(call: string, argument?: unknown): Promise<void> {
    this.#calls += 1;
    this.#process.send({ id: this.#calls, call, argument });
    const [{ error }] = await once(this.#process, "message");
    if (error !== undefined) throw new Error(error);
  }
}

async function openHost(block: number): Promise<{ host: Host; url: string; directory: string }> {
  const directory = temporaryDirectory();
  const database = new Database(join(directory, "main.db"));
  database.pragma("journal_mode = WAL");
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
  const store = openBranchStore(join(directory, "offline"), { now: () => 0 });
  const image = readPieces(join(directory, "main.db"));
  const host = new Host(await store.create({ block, device: undefined, image, standing: NOWHERE }));
  const server = createServer((request, response) => void host.answer(request, response)).listen(0);
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    store.close();
  });
  return { host, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, directory };
}

async function* readPieces(path: string): AsyncGenerator<Uint8Array> {
  yield await readFile(path);
}

test("what a real client pushes is a chain: over pulls, generations, restarts and kills", async () => {
  const { host, url, directory } = await openHost(3);
  const path = join(directory, "replica.db");
  let replica = new Replica();
  const write = async (sql: string): Promise<void> => {
    await replica.call("exec", sql);
    await replica.call("sync");
  };
  const restart = async (): Promise<void> => {
    replica.kill();
    replica = new Replica();
    await replica.call("open", { path, url });
  };
  await replica.call("open", { path, url });
  await write("INSERT INTO t (v) VALUES (1); INSERT INTO t (v) VALUES (2)");
  host.offer(3);
  await replica.call("sync");
  await write("INSERT INTO t (v) VALUES (3)");
  await replica.call("exec", "INSERT INTO t (v) VALUES (4)");
  await restart();
  await write("INSERT INTO t (v) VALUES (5)");
  // Over several batches, with pages that SQLite writes before the transaction ends.
  await write(
    "PRAGMA cache_size = 10; BEGIN; WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 900) " +
      "INSERT INTO t (v) SELECT randomblob(900) FROM c; UPDATE t SET v = randomblob(900); COMMIT",
  );
  host.branch.addGeneration();
  await replica.call("sync");
  await write("INSERT INTO t (v) VALUES (6)");
  host.branch.addGeneration();
  host.offer(2);
  await replica.call("sync");
  await restart();
  await write("VACUUM");
  expect(host.verdicts.length).toBeGreaterThan(7);
  expect(new Set(host.verdicts)).toEqual(new Set(["intact"]));

  // Another program checkpoints the replica's log, and libSQL goes on as if nothing had happened: it pushes what it has
  // written behind the frame that was the last one, and leaves out what comes before.
  await replica.call("close");
  const other = new Database(path);
  other.pragma("wal_checkpoint(TRUNCATE)");
  other.close();
  await restart();
  const taken = host.verdicts.length;
  await write("UPDATE t SET v = randomblob(900); UPDATE t SET v = randomblob(900); UPDATE t SET v = 1");
  expect(host.verdicts.slice(taken)[0]).toBe("broken");
});

test("replicas that share a log are each a chain of their own", async () => {
  const { host, url, directory } = await openHost(0);
  const [ann, bob] = [new Replica(), new Replica()];
  await ann.call("open", { path: join(directory, "ann.db"), url });
  await bob.call("open", { path: join(directory, "bob.db"), url });
  for (const [round, replica] of [ann, bob, bob, ann, bob, ann].entries()) {
    await replica.call("sync");
    await replica.call("exec", `INSERT INTO t (v) VALUES (${round})`);
    await replica.call("sync");
    if (round === 2) host.offer(2);
    if (round === 3) host.branch.addGeneration();
  }
  expect(host.verdicts).toEqual(Array(6).fill("intact"));
});
