import { readFileSync, statSync } from "node:fs";

/** Every lock that is held on the machine, as Linux tells it; other systems do not. */
const LOCKS = "/proc/locks";
/** The first of the bytes that SQLite locks to read: a connection in WAL mode does so for as long as it is open. */
const SHARED_FIRST = 0x4000_0002;

/**
 * Whether somebody, this process or another one, has a connection to a database open: one that is in WAL mode and has read
 * something. False also where that cannot be told. Opens nothing, so it drops nobody's locks.
 */
export function isOpenElsewhere(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const file = `${deviceOf(found.dev)}:${found.ino}`;
  return readLocks().some((line) => {
    // `1: POSIX  ADVISORY  READ  4711 08:01:123456 1073741826 1073742335`; with an arrow, one that is waited for.
    const [, kind, , , , where, first] = line.trim().split(/\s+/);
    return kind !== "->" && where === file && Number(first) === SHARED_FIRST;
  });
}

function readLocks(): string[] {
  try {
    return readFileSync(LOCKS, "utf8").split("\n");
  } catch {
    // There is no such list, or it may not be read.
    return [];
  }
}

/** Major and minor number in hexadecimal, as the list of locks has them. */
function deviceOf(device: number): string {
  const major = Math.floor(device / 0x100) & 0xfff;
  const minor = (device & 0xff) + (Math.floor(device / 0x1000) & 0xfff00);
  return `${hex(major)}:${hex(minor)}`;
}

function hex(value: number): string {
  return value.toString(16).padStart(2, "0");
}
