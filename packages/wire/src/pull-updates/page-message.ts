import { varintSize, writeVarint } from "../framing/varint.js";
import { WireError } from "../wire-error.js";
import { FieldReader } from "./field-reader.js";

// Written and read by hand: pages are nearly all that a pull sends, and a generic codec costs one allocation and one copy
// of each page more. Fields: 1 page_id (varint), 2 encoded_page (bytes).

const PAGE_BYTES = 4096;
const PAGE_ID_TAG = 0x08;
const PAGE_TAG = 0x12;

/** One page of a pull. */
export interface PageMessage {
  /** Zero-based. */
  readonly pageId: number;
  /** 4096 bytes; a view of the message that was decoded. */
  readonly page: Uint8Array;
}

/** One page as it is sent, its length before it. Throws `WireError` `unsupported` for a page of another size. */
export function encodePageMessage(pageId: number, page: Uint8Array): Uint8Array {
  return encodePageMessages([pageId], page);
}

/**
 * Pages as they are sent, one after the other, each with its length before it: one buffer for all of them.
 * `pages`: their images back to back. Throws `WireError` `unsupported` where these do not fit the ids.
 */
export function encodePageMessages(pageIds: Uint32Array | readonly number[], pages: Uint8Array): Uint8Array {
  if (pages.length !== pageIds.length * PAGE_BYTES) {
    throw new WireError("unsupported", `${pageIds.length} pages cannot be ${pages.length} bytes`);
  }
  let total = 0;
  for (const pageId of pageIds) {
    if (!Number.isSafeInteger(pageId) || pageId < 0)
      throw new WireError("unsupported", `no page id: ${pageId}`);
    const size = messageSize(pageId);
    total += varintSize(size) + size;
  }
  const bytes = new Uint8Array(total);
  let offset = 0;
  let page = 0;
  for (const pageId of pageIds) {
    offset = writeVarint(bytes, offset, messageSize(pageId));
    if (pageId !== 0) {
      bytes[offset++] = PAGE_ID_TAG;
      offset = writeVarint(bytes, offset, pageId);
    }
    bytes[offset++] = PAGE_TAG;
    offset = writeVarint(bytes, offset, PAGE_BYTES);
    bytes.set(pages.subarray(page, page + PAGE_BYTES), offset);
    offset += PAGE_BYTES;
    page += PAGE_BYTES;
  }
  return bytes;
}

/** Proto 3 leaves a zero out. */
function messageSize(pageId: number): number {
  return (pageId === 0 ? 0 : 1 + varintSize(pageId)) + 1 + varintSize(PAGE_BYTES) + PAGE_BYTES;
}

/** Reads one message, without its length. Throws `WireError` for junk and for a page that is not 4096 bytes. */
export function decodePageMessage(bytes: Uint8Array): PageMessage {
  const reader = new FieldReader(bytes);
  let pageId = 0;
  let page: Uint8Array | undefined;
  while (!reader.atEnd) {
    const tag = reader.varint();
    if (tag === PAGE_ID_TAG) pageId = reader.varint();
    else if (tag === PAGE_TAG) page = reader.bytes(reader.varint());
    else if (isKnownField(tag))
      throw new WireError("malformed", `a page message has a field with tag ${tag}`);
    else reader.skip(tag);
  }
  if (page?.length !== PAGE_BYTES) {
    throw new WireError(
      "malformed",
      `a page must have ${PAGE_BYTES} bytes; this one has ${page?.length ?? 0}`,
    );
  }
  return { pageId, page };
}

function isKnownField(tag: number): boolean {
  const field = Math.floor(tag / 8);
  return field === 1 || field === 2;
}
