import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directories = new Set<string>();

/** An empty directory. `TMPDIR` says on which disk. */
export interface TemporaryDirectory {
  readonly path: string;
  /** Deletes it. */
  end(): Promise<void>;
}

export async function openTemporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), "tributary-bench-"));
  directories.add(path);
  return {
    path,
    async end() {
      await rm(path, { recursive: true, force: true });
      directories.delete(path);
    },
  };
}

/** Runs something with an empty directory, which is deleted afterwards. */
export async function inTemporaryDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = await openTemporaryDirectory();
  try {
    return await run(directory.path);
  } finally {
    await directory.end();
  }
}

/** Deletes all that are there, before the process ends early. */
export function deleteTemporaryDirectories(): void {
  // A process that was killed just now may still write.
  for (const path of directories)
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
