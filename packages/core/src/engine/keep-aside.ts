import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { replicaFiles } from "./replica-session.js";

/** Files of a damaged replica are kept as `<database>-damaged-<ms since 1970>`, each with its suffix: what is in between. */
export function* nameAside(): Coroutine<string> {
  return `-damaged-${yield* io.now()}`;
}

/**
 * Moves what is left of a replica whose database is gone out of the way: it would be taken for the new one's. Nothing is
 * deleted that may hold local changes.
 */
export function* keepAside(path: string): Coroutine<void> {
  const { log, journal, logIndex, revert } = replicaFiles(path);
  const aside = path + (yield* nameAside());
  for (const file of [log, journal]) {
    if (yield* hasContent(file)) yield* io.renameFile(file, aside + file.slice(path.length));
    else yield* io.removeFile(file);
  }
  yield* io.removeFile(logIndex);
  yield* io.removeFile(revert);
}

/** Whether a file is there and not empty. */
export function* hasContent(path: string): Coroutine<boolean> {
  const file = yield* io.openFile(path, "read");
  if (file === undefined) return false;
  try {
    return (yield* io.fileSize(file)) > 0;
  } finally {
    yield* io.closeFile(file);
  }
}
