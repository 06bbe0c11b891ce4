import { createWriteStream } from "node:fs";
import { get } from "node:http";
import { pipeline } from "node:stream/promises";
import { type ClientKind, openClient } from "../peers/client.js";
import { type Job, timed } from "./job.js";

/** Downloads a database into a new replica. */
export const bootstrap: Job<{ client: ClientKind; path: string; url: string; megabytes: number }> = async ({
  client: kind,
  path,
  url,
  megabytes,
}) => {
  const before = maxRss();
  const taken = await timed(async () => {
    const client = await openClient(kind, path, url);
    if (Number(await client.value("SELECT count(*) FROM blobs")) === 0)
      throw new Error("nothing was downloaded");
    await client.close();
  });
  return figures(taken, megabytes, before);
};

/** The same bytes over plain HTTP into a file. */
export const download: Job<{ path: string; url: string; megabytes: number }> = async ({
  path,
  url,
  megabytes,
}) => {
  const before = maxRss();
  const taken = await timed(
    () =>
      new Promise<void>((resolve, reject) => {
        get(url, (response) => void pipeline(response, createWriteStream(path)).then(resolve, reject));
      }),
  );
  return figures(taken, megabytes, before);
};

function figures(taken: number, megabytes: number, before: number): Record<string, number> {
  return { "MB/s": (megabytes / taken) * 1000, "memory, MB": maxRss() - before };
}

/** The most that this process has had in memory, MB. */
function maxRss(): number {
  return process.resourceUsage().maxRSS / 1024;
}
