import { ProtobufReader } from "../framing/protobuf-reader.js";
import { ProtobufWriter } from "../framing/protobuf-writer.js";

// Messages of the service `wal_log.ReplicationLog` of libSQL: libsql-replication/proto/replication_log.proto.

/** What the server says of its log. */
export interface HelloAnswer {
  /** A UUID: another one means another history, and that clients begin anew. */
  readonly logId: string;
  /** The text of a UUID, to be shown with every later request. */
  readonly sessionToken: string;
  /** The newest frame, which a client then asks for until it has it; undefined: the log is empty. */
  readonly currentFrame: bigint | undefined;
}

/** Throws `WireError`. There is nothing in the request that matters: this looks whether it is one. */
export function checkHelloRequest(bytes: Uint8Array): void {
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) reader.uint64("handshake_version");
    else reader.skip();
  }
}

export function encodeHelloAnswer({
  logId,
  sessionToken,
  currentFrame,
}: HelloAnswer): Uint8Array<ArrayBuffer> {
  return new ProtobufWriter().encode((writer) => {
    // The generation, which nobody looks at, and where it starts, which is 0 and left out.
    writer.string(1, logId);
    writer.string(3, logId);
    writer.string(4, sessionToken);
    if (currentFrame !== undefined) writer.int64(5, currentFrame);
  });
}

/** The frame that a client wants next, of a `LogOffset`. Throws `WireError`. */
export function decodeLogOffset(bytes: Uint8Array): bigint {
  const reader = new ProtobufReader(bytes);
  let nextOffset = 0n;
  while (reader.next()) {
    if (reader.field === 1) nextOffset = reader.uint64("next_offset");
    else reader.skip();
  }
  return nextOffset;
}
