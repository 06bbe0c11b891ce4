import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { ImageRecord } from "../row-diff/record.js";
import { PageDamage, PageSource } from "../sqlite-format/page-source.js";
import { TreePage } from "../sqlite-format/tree-page.js";
import type { TapePosition } from "../tape/tape-position.js";
import { PUSH_POSITION_TABLE } from "../tape/tape-schema.js";
import type { ReplicaSession } from "./replica-session.js";
import type { PulledChanges } from "./wait-changes.js";

const ROOT_SQL = "SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = ?";

/**
 * How far this client has pushed, as the pages of a pull have it that is not applied yet. `undefined` where they do not say:
 * because they do not have it, or the schema may be another one, or the table is deeper than two levels. To be called under
 * the write lock.
 */
export function* pushedPosition(
  session: ReplicaSession,
  changes: PulledChanges,
): Coroutine<TapePosition | undefined> {
  const { pageNumbers } = changes.pages;
  const [row] = yield* io.querySql("writer", ROOT_SQL, [PUSH_POSITION_TABLE]);
  if (row === undefined || pageNumbers.includes(1)) return undefined;
  const pages = yield* PageSource.open(function* (page) {
    const at = pageNumbers.indexOf(page);
    return at < 0 ? yield* session.pages.readSynced(page) : yield* changes.pages.read(at, at + 1);
  }, changes.databaseSize);
  try {
    const number = Number(row[0]);
    const root = new TreePage(yield* pages.read(number), number, pages.usable);
    const leaves = root.isLeaf ? [number] : root.children();
    for (const leaf of leaves) {
      if (!pageNumbers.includes(leaf)) continue;
      const page = new TreePage(yield* pages.read(leaf), leaf, pages.usable);
      const position = positionIn(page, pages.encoding, session.metadata.clientId);
      if (position !== undefined) return position;
    }
    return undefined;
  } catch (error) {
    // What is wrong with them is told when they are applied.
    if (error instanceof PageDamage) return undefined;
    throw error;
  }
}

function positionIn(page: TreePage, encoding: number, clientId: string): TapePosition | undefined {
  if (!page.isLeaf || !page.isTable) return undefined;
  for (const { length, local } of page.payloads()) {
    // No id is so long that its row would go on in another page.
    if (local.length < length) continue;
    const record = new ImageRecord(local, encoding);
    if (record.value(0) !== clientId) continue;
    return { pullGeneration: Number(record.value(1)), changeId: Number(record.value(2)) };
  }
  return undefined;
}
