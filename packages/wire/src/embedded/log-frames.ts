/** Pages of a log, as frames that follow one another. */
export interface LogFrames {
  /** Zero-based. */
  readonly pageIds: Uint32Array;
  /** The pages, back to back. */
  readonly pages: Uint8Array;
  /** The number of the frame of that page, by its place in `pageIds`. */
  readonly frameNumberOf: (index: number) => bigint;
  /** Size of the database in pages behind the last page, which ends a transaction; 0: it does not. */
  readonly sizeAfter: number;
}

const PAGE_BYTES = 4096;
/** Number of the frame, checksum, page number, size behind it: little endian. Source: libsql-replication/src/frame.rs. */
const HEADER_BYTES = 24;
const FRAME_BYTES = HEADER_BYTES + PAGE_BYTES;

/** Of the field `data` of a `Frame`: its tag, and its length as a varint. */
const DATA_PREFIX = [0x0a, 0x98, 0x20];
const MESSAGE_BYTES = DATA_PREFIX.length + FRAME_BYTES;
/** Of such a message as the field `frames` of `Frames`. */
const IN_LIST_PREFIX = Uint8Array.of(0x0a, 0x9b, 0x20, ...DATA_PREFIX);
/** Of such a message as one of a stream. */
const IN_STREAM_PREFIX = Uint8Array.of(0, 0, 0, MESSAGE_BYTES >> 8, MESSAGE_BYTES & 0xff, ...DATA_PREFIX);

/** The message `Frames`: the answer of `BatchLogEntries`. */
export function encodeFrameList(frames: LogFrames): Uint8Array<ArrayBuffer> {
  return encode(frames, IN_LIST_PREFIX);
}

/** Messages of a stream, each a `Frame` and framed for gRPC-web: a piece of the answer of `Snapshot`. */
export function encodeFrameStream(frames: LogFrames): Uint8Array<ArrayBuffer> {
  return encode(frames, IN_STREAM_PREFIX);
}

/** Checksums are left zero: clients do not look at them, and there is none of the log to go on from. */
function encode(
  { pageIds, pages, frameNumberOf, sizeAfter }: LogFrames,
  prefix: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const stride = prefix.length + FRAME_BYTES;
  const bytes = new Uint8Array(pageIds.length * stride);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < pageIds.length; index++) {
    const header = index * stride + prefix.length;
    bytes.set(prefix, index * stride);
    view.setBigUint64(header, frameNumberOf(index), true);
    view.setUint32(header + 16, (pageIds[index] as number) + 1, true);
    if (index === pageIds.length - 1) view.setUint32(header + 20, sizeAfter, true);
    const page = pages.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
    bytes.set(page, header + HEADER_BYTES);
  }
  return bytes;
}
