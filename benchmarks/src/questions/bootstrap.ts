import { randomFillSync } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { runJob } from "../jobs/run-job.js";
import type { Ending, Shared } from "../measure/shared.js";
import { fillDatabase } from "../peers/fill-database.js";
import {
  type ServerKind,
  type ServerProcess,
  startFileServer,
  startServer,
} from "../peers/server-process.js";
import { inTemporaryDirectory, openTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Case, Question, Scale } from "../question.js";
import { ALL_PAIRS, OURS, pairName } from "./pairs.js";

const BARE = "a bare download";
const MEGABYTE = 2 ** 20;

export const BOOTSTRAP: readonly Question[] = [50, 1_000].map((size) => ({
  name: `bootstrap-${size}`,
  title: `Bootstrap ${size.toLocaleString("en")} MB`,
  rounds: size > 100 ? 3 : 5,
  cases: [
    ...ALL_PAIRS.map(
      (pair): Case => ({
        name: pairName(pair),
        run: async (scale, shared) => {
          const megabytes = sizeOf(size, scale);
          const { url } = await shared.use(pair[1], () => serveDatabase(pair[1], megabytes));
          return inTemporaryDirectory((directory) =>
            runJob("bootstrap", { client: pair[0], path: `${directory}/replica.db`, url, megabytes }),
          );
        },
      }),
    ),
    ...[false, true].map((sync) => downloadCase(sync, size)),
    {
      name: "cp",
      run: async (scale: Scale, shared: Shared) => {
        const megabytes = sizeOf(size, scale);
        const { path } = await useFile(shared, megabytes);
        return inTemporaryDirectory((directory) =>
          runJob("copyFile", { from: path, path: `${directory}/copy.db`, megabytes }),
        );
      },
    },
  ].map((one) => ({ ...one, onlyInFull: size > 100 })),
  targets: [
    { figure: "MB/s", of: OURS, against: BARE, atLeast: 0.5 },
    { figure: "memory, MB", of: OURS, atMost: 150 },
  ],
}));

function sizeOf(size: number, scale: Scale): number {
  return scale === "short" ? 1 : size;
}

function downloadCase(sync: boolean, size: number): Case {
  return {
    name: sync ? `${BARE}, and fsync` : BARE,
    run: async (scale, shared) => {
      const megabytes = sizeOf(size, scale);
      const { url } = await useFile(shared, megabytes);
      return inTemporaryDirectory((directory) =>
        runJob("download", { path: `${directory}/copy.db`, url, megabytes, sync }),
      );
    },
  };
}

/** A server that has a large database; all rounds read it, and none changes it. */
async function serveDatabase(kind: ServerKind, megabytes: number): Promise<ServerProcess & Ending> {
  const directory = await openTemporaryDirectory();
  const server = await startServer(kind, `${directory.path}/server.db`);
  await fillDatabase(server.url, megabytes);
  return {
    ...server,
    async end() {
      await server.end();
      await directory.end();
    },
  };
}

interface ServedFile extends Ending {
  readonly path: string;
  readonly url: string;
}

function useFile(shared: Shared, megabytes: number): Promise<ServedFile> {
  return shared.use("file", async () => {
    const directory = await openTemporaryDirectory();
    const path = `${directory.path}/file`;
    await writeRandomFile(path, megabytes);
    const server = await startFileServer(path);
    return {
      path,
      url: server.url,
      async end() {
        await server.end();
        await directory.end();
      },
    };
  });
}

async function writeRandomFile(path: string, megabytes: number): Promise<void> {
  const file: FileHandle = await open(path, "w");
  for (let written = 0; written < megabytes; written++) {
    await file.write(randomFillSync(new Uint8Array(MEGABYTE)));
  }
  await file.sync();
  await file.close();
}
