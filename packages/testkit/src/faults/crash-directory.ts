import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";

/** Makes a directory for files that only a test needs: in memory where the system has such a place. */
export function makeCrashDirectory(): string {
  return mkdtempSync(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), "tributary-crash-"));
}

/** Copies the files of a directory that has no directories in it, into one that is made. */
export function copyFiles(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
}

/**
 * A checksum of all that is in a directory, to tell whether a crash point is like one that was looked at before.
 * SQLite's index of a log and lock files do not count: a crash empties them, whatever they held.
 */
export function fingerprintOf(directory: string): string {
  const hash = createHash("sha1");
  for (const name of readdirSync(directory).sort()) {
    if (/-(shm|lock)$/.test(name)) continue;
    const content = readFileSync(join(directory, name));
    hash.update(`${name} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}
