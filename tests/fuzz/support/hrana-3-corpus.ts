import { type HranaSocketRequest, parsePipelineRequest } from "@tributary/wire";
import { encodeProto, protoBatch, protoRequest } from "../../../packages/wire/test/hrana/support/proto.js";
import { HRANA_REQUESTS } from "./hrana-corpus.js";

const PIPELINES = HRANA_REQUESTS.map((text) => parsePipelineRequest(text));
const REQUESTS = PIPELINES.flatMap(({ requests }) => requests);
const BATCHES = REQUESTS.flatMap((request) => (request.type === "batch" ? [request.batch] : []));

/** The requests of the other corpus as pipelines in protobuf. */
export const PIPELINES_IN_PROTOBUF: readonly Uint8Array[] = PIPELINES.map(({ baton, requests }) =>
  encodeProto("PipelineReqBody", { ...withBaton(baton), requests: requests.map(protoRequest) }),
);

/** Bodies for cursors. */
export const CURSORS: readonly string[] = BATCHES.map((batch, index) =>
  JSON.stringify({ ...withBaton(index === 0 ? "c3RyZWFt" : null), batch }),
);
export const CURSORS_IN_PROTOBUF: readonly Uint8Array[] = BATCHES.map((batch, index) =>
  encodeProto("CursorReqBody", { ...withBaton(index === 0 ? "c3RyZWFt" : null), batch: protoBatch(batch) }),
);

const SOCKET_REQUESTS: readonly HranaSocketRequest[] = [
  { type: "open_stream", stream_id: 1 },
  ...REQUESTS.flatMap((request): HranaSocketRequest[] => {
    if (request.type === "close") return [{ type: "close_stream", stream_id: 1 }];
    if (request.type === "store_sql" || request.type === "close_sql") return [request];
    return [{ ...request, stream_id: 1 }];
  }),
  ...BATCHES.map((batch): HranaSocketRequest => ({ type: "open_cursor", stream_id: 1, cursor_id: 2, batch })),
  { type: "fetch_cursor", cursor_id: 2, max_count: 1000 },
  { type: "close_cursor", cursor_id: 2 },
];

/** Messages on a socket, all types of them. */
export const CLIENT_MESSAGES: readonly string[] = [
  '{"type":"hello","jwt":null}',
  '{"type":"hello","jwt":"a.b.c"}',
  ...SOCKET_REQUESTS.map((request) => JSON.stringify({ type: "request", request_id: 3, request })),
];
export const CLIENT_MESSAGES_IN_PROTOBUF: readonly Uint8Array[] = [
  encodeProto("ClientMsg", { hello: {} }),
  encodeProto("ClientMsg", { hello: { jwt: "a.b.c" } }),
  ...SOCKET_REQUESTS.map((request) =>
    encodeProto("ClientMsg", { request: { request_id: 3, ...protoRequest(request) } }),
  ),
];

function withBaton(baton: string | null): { baton?: string } {
  return baton === null ? {} : { baton };
}
