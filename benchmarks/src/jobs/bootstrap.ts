import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { get } from "node:http";
import { pipeline } from "node:stream/promises";
import { type ClientKind, loadClient, openClient } from "../peers/client.js";
import { type Job, timed } from "./job.js";
import { peakMemory, resetPeakMemory } from "./peak-memory.js";

/** Downloads a database into a new replica. */
export const bootstrap: Job<{ client: ClientKind; path: string; url: string; megabytes: number }> = async ({
  client: kind,
  path,
  url,
  megabytes,
}) => {
  await loadClient(kind);
  return measured(megabytes, async () => {
    const client = await openClient(kind, path, url);
    if (Number(await client.value("SELECT id FROM blobs ORDER BY id DESC LIMIT 1")) === 0)
      throw new Error("nothing was downloaded");
    await client.close();
  });
};

/** The same bytes over plain HTTP into a file; `sync`: until they are on the disk, as those of a replica are. */
export const download: Job<{ path: string; url: string; megabytes: number; sync?: boolean }> = async ({
  path,
  url,
  megabytes,
  sync = false,
}) =>
  measured(megabytes, async () => {
    await new Promise<void>((resolve, reject) => {
      get(url, (response) => void pipeline(response, createWriteStream(path)).then(resolve, reject));
    });
    if (!sync) return;
    const file = await open(path, "r+");
    await file.sync();
    await file.close();
  });

/** The same bytes by `cp`. */
export const copyFile: Job<{ from: string; path: string; megabytes: number }> = async ({
  from,
  path,
  megabytes,
}) => {
  const taken = await timed(async () => {
    const [code] = await once(spawn("cp", [from, path]), "exit");
    if (code !== 0) throw new Error(`cp ended with exit code ${String(code)}`);
  });
  return { "MB/s": (megabytes / taken) * 1000 };
};

async function measured(megabytes: number, work: () => Promise<void>): Promise<Record<string, number>> {
  resetPeakMemory();
  const before = peakMemory();
  const taken = await timed(work);
  const peak = peakMemory();
  return { "MB/s": (megabytes / taken) * 1000, "memory, MB": peak - before, "memory in all, MB": peak };
}
