import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Where the parts of a mirror are. */
export interface MirrorFiles {
  /** The database as it was when the generation began. */
  readonly database: string;
  /** The frames of the generation: a write-ahead log of SQLite, frame numbers and all. */
  readonly log: string;
  /** SQLite's index of the log; there while SQL runs. */
  readonly index: string;
  /** Generation and durable frame, in libSQL's own format. Where it is missing, there is no mirror. */
  readonly info: string;
  /** What else has to outlive the process: `mirror-state.ts`. */
  readonly state: string;
  /** A database that is being downloaded. */
  readonly download: string;
}

/** Names the files of a mirror. */
export function mirrorFiles(mirrorPath: string): MirrorFiles {
  return {
    database: mirrorPath,
    log: `${mirrorPath}-wal`,
    index: `${mirrorPath}-shm`,
    info: `${mirrorPath}-info`,
    state: `${mirrorPath}-state`,
    download: `${mirrorPath}-download`,
  };
}

/** Deletes a mirror. A crash in the middle leaves none: what makes it one goes first. */
export function deleteMirror({ info, state, log, index, database, download }: MirrorFiles): void {
  for (const path of [info, state, log, index, database, download]) rmSync(path, { force: true });
}

/** Puts a file in the place of another one, durably: after a crash it is the one or the other. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, "w");
  try {
    writeFully(file, bytes, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectoryOf(path);
}

/** Makes it durable that files of a directory were made or renamed. Windows cannot, and does not need to. */
function syncDirectoryOf(path: string): void {
  if (process.platform === "win32") return;
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Writes all of it: one call of the system may write less. */
export function writeFully(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, offset + done);
  }
}
