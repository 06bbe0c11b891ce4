import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const IN_MEMORY = "/dev/shm";
/** More than all tests that run at once have in their files, bytes. Containers have 64 MiB unless told otherwise. */
const ROOM_BYTES = 2 * 1024 ** 3;

/** A directory that is gone when the test has ended; in memory where there is room, since waiting for disks proves nothing. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(hasRoom() ? IN_MEMORY : tmpdir(), "tributary-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function hasRoom(): boolean {
  if (!existsSync(IN_MEMORY)) return false;
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  return bavail * bsize > ROOM_BYTES;
}
