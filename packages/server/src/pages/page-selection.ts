import type { PageSelector } from "@tributary/wire";

/** The pages of one answer, taken a batch at a time. */
export interface PageSelection {
  /** Ids (zero-based) of the next pages, at most that many, ascending; none at the end. */
  next(limit: number): Uint32Array;
}

/**
 * Which pages to send.
 * `changed`: ascending ids, or undefined for all; `selector`: what the client asked for, or undefined for all.
 */
export function selectPages(
  databaseSize: number,
  changed: Uint32Array | undefined,
  selector: PageSelector | undefined,
): PageSelection {
  if (changed !== undefined) {
    return selectFromList(
      selector === undefined ? changed : changed.filter((pageId) => selector.has(pageId)),
    );
  }
  return selector === undefined ? selectAll(databaseSize) : selectFromSelector(databaseSize, selector);
}

function selectAll(databaseSize: number): PageSelection {
  let nextId = 0;
  return {
    next(limit) {
      const ids = new Uint32Array(Math.min(limit, databaseSize - nextId));
      for (let index = 0; index < ids.length; index++) ids[index] = nextId++;
      return ids;
    },
  };
}

function selectFromList(list: Uint32Array): PageSelection {
  let position = 0;
  return {
    next(limit) {
      const ids = list.subarray(position, position + limit);
      position += ids.length;
      return ids;
    },
  };
}

function selectFromSelector(databaseSize: number, selector: PageSelector): PageSelection {
  const iterator = selector[Symbol.iterator]();
  return {
    next(limit) {
      const ids: number[] = [];
      while (ids.length < limit) {
        const { done, value } = iterator.next();
        if (done === true || value >= databaseSize) break;
        ids.push(value);
      }
      return Uint32Array.from(ids);
    },
  };
}
