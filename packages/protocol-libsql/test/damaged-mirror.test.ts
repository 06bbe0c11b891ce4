import { cpSync, mkdirSync, readFileSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ProtocolIo } from "@tributary/core";
import { createLibsqlProtocol } from "@tributary/protocol-libsql";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../tests/support/temporary-directory.js";
import { loadMirror } from "../src/mirror/load-mirror.js";
import { mirrorFiles } from "../src/mirror/mirror-files.js";
import type { ReferenceServer } from "./reference-server.js";
import { errorOf, type Pulled, pull, queryFile, rowsOf, run, setUp } from "./test-protocol.js";

const FILES = ["", "-wal", "-info", "-state"] as const;
const ROWS = "SELECT count(*), sum(length(b)) FROM t";

/** A mirror with pages in its database file and in its log, closed. */
async function makeMirror(): Promise<{ server: ReferenceServer; directory: string; before: Pulled }> {
  const { server, protocol, mirrorPath } = await setUp();
  server.query("CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
  server.query("INSERT INTO t (b) VALUES (zeroblob(9000)), ('two')");
  await pull(protocol);
  server.roll();
  await pull(protocol);
  await run(protocol, "INSERT INTO t (b) VALUES ('three')");
  const before = await pull(protocol);
  await protocol.close();
  server.requests.length = 0;
  return { server, directory: dirname(mirrorPath), before };
}

/** Opens what a copy of the mirror has become, and uses it. */
async function useCopy(
  { server, directory }: { server: ReferenceServer; directory: string },
  change: (mirrorPath: string) => void,
  use: (io: ProtocolIo) => Promise<void>,
): Promise<string[]> {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  const mirrorPath = join(copy, "mirror");
  change(mirrorPath);
  server.requests.length = 0;
  const protocol = createLibsqlProtocol({ url: server.url, mirrorPath });
  onTestFinished(() => protocol.close());
  await use(protocol);
  await protocol.close();
  rmSync(copy, { recursive: true });
  return server.takeRequests();
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
  writeFileSync(path, bytes);
}

describe("a mirror", () => {
  it("that is whole is used as it is: one frame is compared, and nothing downloaded", async () => {
    const mirror = await makeMirror();
    const frames = mirror.server.frames.length;
    const requests = await useCopy(
      mirror,
      () => {},
      async (io) => {
        expect((await pull(io, mirror.before)).pageIds).toEqual([]);
      },
    );
    expect(requests).toEqual([
      `GET /sync/2/${frames}/${frames + 1}`,
      `GET /sync/2/${frames + 1}/${frames + 129}`,
    ]);
  });

  it.each(FILES)("is none where any byte of mirror%s is wrong", async (suffix) => {
    const { directory } = await makeMirror();
    const path = join(directory, `mirror${suffix}`);
    const whole = readFileSync(path);
    // Pages have too many bytes to try all of them.
    const step = whole.length > 500 ? Math.ceil(whole.length / 150) : 1;
    for (let at = 0; at < whole.length; at += step) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
      writeFileSync(path, bytes);
      expect(await loadMirror(mirrorFiles(join(directory, "mirror"))), `byte ${at}`).toBeUndefined();
    }
    writeFileSync(path, whole);
    const mirror = await loadMirror(mirrorFiles(join(directory, "mirror")));
    expect(mirror, "it was that byte").toBeDefined();
    mirror?.close();
  });

  it.each(FILES)("is made anew where a byte of mirror%s is wrong, and nobody notices", async (suffix) => {
    const mirror = await makeMirror();
    const requests = await useCopy(
      mirror,
      (path) => flip(`${path}${suffix}`, 9),
      async (io) => {
        expect(queryFile(await pull(io, mirror.before), ROWS)).toEqual([[3, 9008]]);
      },
    );
    expect(requests).toContain("GET /info");
  });

  it.each(FILES)("is made anew without mirror%s, or with half of it, or none", async (suffix) => {
    const mirror = await makeMirror();
    const changes: ((path: string) => void)[] = [
      (path) => rmSync(path),
      (path) => truncateSync(path, 0),
      (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
    ];
    for (const change of changes) {
      const requests = await useCopy(
        mirror,
        (path) => change(`${path}${suffix}`),
        async (io) => {
          expect(await rowsOf(io, ROWS)).toEqual([[3n, 9008n]]);
        },
      );
      expect(requests).toContain("GET /export/2");
    }
  });

  it("is made anew where another program has made its database file longer", async () => {
    const mirror = await makeMirror();
    const requests = await useCopy(
      mirror,
      (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(4096)])),
      async (io) => {
        expect(await rowsOf(io, ROWS)).toEqual([[3n, 9008n]]);
      },
    );
    expect(requests).toContain("GET /info");
  });

  it("is usable, or made anew, wherever the beginning of a generation is interrupted", async () => {
    const { server, directory } = await makeMirror();
    const old = temporaryDirectory();
    cpSync(directory, old, { recursive: true });
    server.roll();
    await useOn(server, join(directory, "mirror"));
    // Files in the order in which they change.
    for (let done = 0; done <= FILES_OF_FOLD.length; done++) {
      const copy = temporaryDirectory();
      cpSync(old, copy, { recursive: true });
      for (const suffix of FILES_OF_FOLD.slice(0, done)) {
        cpSync(join(directory, `mirror${suffix}`), join(copy, `mirror${suffix}`));
      }
      expect(await useOn(server, join(copy, "mirror")), `after ${done} files`).toEqual([[3n, 9008n]]);
    }
  });
});

describe("a host that fails", () => {
  it("while a generation begins is told, and the next pull goes on from there", async () => {
    const { server, protocol, mirrorPath } = await setUp();
    server.query("CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
    const first = await pull(protocol);
    server.roll();
    server.query("INSERT INTO t (b) VALUES ('two')");
    rmSync(`${mirrorPath}-wal`);
    mkdirSync(`${mirrorPath}-wal`);
    expect((await errorOf(pull(protocol, first))).code).toBe("io-failed");
    expect((await errorOf(pull(protocol, first))).code).toBe("io-failed");
    rmdirSync(`${mirrorPath}-wal`);
    server.requests.length = 0;
    expect(queryFile(await pull(protocol, first), "SELECT b FROM t")).toEqual([["two"]]);
    expect(server.takeRequests()).not.toContain("GET /info");
  });

  it("while a batch runs is not taken for a refusal of the remote's", async () => {
    const { server, protocol } = await setUp();
    server.query("CREATE TABLE t (b)");
    const tooLarge = "INSERT INTO t VALUES (zeroblob(100000))";
    const error = await errorOf(run(protocol, "PRAGMA max_page_count = 4", tooLarge));
    expect([error.code, error.details.sqlCode]).toEqual(["sql-failed", "SQLITE_FULL"]);
    expect(await rowsOf(protocol, "SELECT count(*) FROM t")).toEqual([[0n]]);
  });
});

const FILES_OF_FOLD = ["", "-state", "-info", "-wal"] as const;

async function useOn(server: ReferenceServer, mirrorPath: string): Promise<unknown> {
  const protocol = createLibsqlProtocol({ url: server.url, mirrorPath });
  onTestFinished(() => protocol.close());
  const rows = await rowsOf(protocol, ROWS);
  queryFile(await pull(protocol), ROWS);
  await protocol.close();
  return rows;
}
