import type { Coroutine } from "../coroutine/coroutine.js";
import { PageDamage, type PageSource } from "./page-source.js";

/** Takes the pages that nothing is stored in out of the set (https://www.sqlite.org/fileformat2.html#the_freelist). */
export function* removeFreePages(source: PageSource, pages: Set<number>): Coroutine<void> {
  const visited = new Set<number>();
  for (let trunk = source.firstTrunk; trunk !== 0 && pages.size > 0; ) {
    if (visited.has(trunk)) throw new PageDamage("a list of free pages without an end");
    visited.add(trunk);
    pages.delete(trunk);
    const bytes = yield* source.read(trunk);
    const view = new DataView(bytes.buffer, bytes.byteOffset, source.usable);
    const count = view.getUint32(4);
    if (count > source.usable / 4 - 2) throw new PageDamage(`a list of ${count} free pages`);
    for (let index = 0; index < count; index++) pages.delete(view.getUint32(8 + 4 * index));
    trunk = view.getUint32(0);
  }
}
