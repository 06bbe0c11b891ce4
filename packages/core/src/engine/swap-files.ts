import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { crc32 } from "../values/crc32.js";
import { decodeUtf8, encodeUtf8 } from "../values/utf8.js";
import { replicaFiles } from "./replica-session.js";

/** A swap that has been decided on: written to `<database>-swap`, it is carried out whatever happens. */
interface Swap {
  /** What comes after the database's path in the names of the new files. Not the path itself: a directory may be moved. */
  readonly from: string;
  /** Likewise, in the names that the old files are to have. */
  readonly aside: string;
  /** Suffixes of the new files: they are moved in. Of the others the old file is moved away, and none takes its place. */
  readonly newSuffixes: readonly string[];
}

const MAX_SWAP_BYTES = 65_536;

/**
 * Puts the files of another, closed replica, which begin with `path` and `from`, in the place of this one's; its own are
 * kept under names that begin with `path` and `aside`. To the outside it happens at once: when it is interrupted,
 * `finishSwap` completes it before anything else is done.
 */
export function* swapFiles(path: string, from: string, aside: string): Coroutine<void> {
  const newSuffixes: string[] = [];
  for (const suffix of suffixesOf(path)) {
    if ((yield* io.fileStamp(path + from + suffix)) !== undefined) newSuffixes.push(suffix);
  }
  const content = JSON.stringify({ from, aside, newSuffixes } satisfies Swap);
  const line = encodeUtf8(`${crc32(encodeUtf8(content))} ${content}`);
  yield* io.replaceWholeFile(replicaFiles(path).swap, line);
  yield* finishSwap(path);
}

/** Carries out a swap that was decided on. Each file is moved once, however often this is interrupted. */
export function* finishSwap(path: string): Coroutine<void> {
  const marker = replicaFiles(path).swap;
  const bytes = yield* io.readWholeFile(marker, MAX_SWAP_BYTES);
  if (bytes === undefined) return;
  if (bytes.length > 0) {
    const { from, aside, newSuffixes } = parseSwap(bytes, marker);
    for (const suffix of suffixesOf(path)) {
      const isNew = newSuffixes.includes(suffix);
      // The new one is in its place already.
      if (isNew && (yield* io.fileStamp(path + from + suffix)) === undefined) continue;
      if ((yield* io.fileStamp(path + suffix)) !== undefined)
        yield* io.renameFile(path + suffix, path + aside + suffix);
      if (isNew) yield* io.renameFile(path + from + suffix, path + suffix);
    }
    // Emptied first, which is durable: a marker that came back after a power cut would move the new log away.
    yield* io.replaceWholeFile(marker, new Uint8Array(0));
  }
  yield* io.removeFile(marker);
}

/** The database last: while it is the old one, everything beside it may be too. */
function suffixesOf(path: string): string[] {
  const { swap, ...beside } = replicaFiles(path);
  return [...Object.values(beside), path].map((file) => file.slice(path.length));
}

function parseSwap(bytes: Uint8Array, path: string): Swap {
  const text = decodeUtf8(bytes);
  const space = text.indexOf(" ");
  const content = text.slice(space + 1);
  if (text.slice(0, space) === String(crc32(encodeUtf8(content)))) return JSON.parse(content) as Swap;
  throw new SyncError(
    "damaged-metadata",
    `${path} is not what Tributary wrote there. It says which files of a repair belong together: look at them, put those that begin with the database's name in place, and delete it.`,
    { path },
  );
}
