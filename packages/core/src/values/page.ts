/** The only page size of the protocol, in bytes. */
export const PAGE_SIZE = 4096;

declare const pageNumber: unique symbol;
declare const pageId: unique symbol;

/** One-based, as SQLite counts. */
export type PageNumber = number & { readonly [pageNumber]: true };
/** Zero-based, as the wire counts. */
export type PageId = number & { readonly [pageId]: true };

/** The page number of a page id. */
export function pageNumberOf(id: PageId | number): PageNumber {
  return (id + 1) as PageNumber;
}

/** The page id of a page number. */
export function pageIdOf(number: PageNumber | number): PageId {
  return (number - 1) as PageId;
}
