import { writeFile } from "node:fs/promises";
import { runJob } from "../jobs/run-job.js";
import { fillDatabase } from "../peers/fill-database.js";
import { type ServerProcess, startFileServer } from "../peers/server-process.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Measurement, Question, Scale } from "../question.js";
import { OURS, pairCases } from "./pairs.js";

const BARE = "a bare download";

export const BOOTSTRAP: readonly Question[] = [50, 1_000].map((size) => ({
  name: `bootstrap-${size}`,
  title: `Bootstrap ${size} MB`,
  rounds: size > 100 ? 2 : 5,
  cases: [
    ...pairCases(async ({ client, server, directory, scale }) => {
      const megabytes = sizeOf(size, scale);
      await fillDatabase(server.url, megabytes);
      return runJob("bootstrap", { client, path: `${directory}/replica.db`, url: server.url, megabytes });
    }),
    { name: BARE, run: (scale) => bareDownload(sizeOf(size, scale)) },
  ],
  targets: [{ figure: "MB/s", of: OURS, against: BARE, atLeast: 0.5 }],
}));

function sizeOf(size: number, scale: Scale): number {
  return scale === "short" ? 1 : size;
}

function bareDownload(megabytes: number): Promise<Measurement> {
  return inTemporaryDirectory(async (directory) => {
    await writeFile(`${directory}/server.db`, new Uint8Array(megabytes * 2 ** 20));
    const server: ServerProcess = await startFileServer(`${directory}/server.db`);
    try {
      return await runJob("download", { path: `${directory}/copy.db`, url: server.url, megabytes });
    } finally {
      await server.end();
    }
  });
}
