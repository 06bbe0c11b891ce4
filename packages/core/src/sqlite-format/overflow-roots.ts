import type { Coroutine } from "../coroutine/coroutine.js";
import type { PageSource } from "./page-source.js";
import type { TreeMap } from "./tree-map.js";
import { TreePage } from "./tree-page.js";

/** More pages are not looked into. */
const MOST_PAGES = 4096;

/**
 * Roots of the trees that have long rows in some of these pages, which are part of no tree: rows that were written go on
 * from pages that were written too, so they are looked for in `changed` only. Takes the pages that it finds out of the set.
 */
export function* findOverflowRoots(
  source: PageSource,
  map: TreeMap,
  changed: ReadonlySet<number>,
  pages: Set<number>,
): Coroutine<ReadonlySet<number>> {
  const roots = new Set<number>();
  if (changed.size > MOST_PAGES) return roots;
  for (const page of changed) {
    if (pages.size === 0) break;
    const root = map.rootOf(page);
    if (root === undefined) continue;
    for (const { overflow } of new TreePage(yield* source.read(page), page, source.usable).payloads()) {
      for (let next = overflow; pages.delete(next); ) {
        roots.add(root);
        const bytes = yield* source.read(next);
        next = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      }
    }
  }
  return roots;
}
