import { closeSync, constants, fsyncSync, openSync } from "node:fs";

/** Brings the names in a directory to the disk: a new name of a file is durable only then. Throws an error of Node. */
export function syncDirectory(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
