import type { HttpResponse } from "../http/http-response.js";
import type { RouteContext } from "../routes/route-context.js";
import { grpcRoute } from "./grpc-route.js";
import { answerDescribe, answerDisconnect, answerExecute } from "./proxy.js";
import { answerBatchLogEntries, answerHello, answerSnapshot } from "./replication-log.js";

/** Longest message that says but where a client is, bytes. */
const SHORT = 4_096;

/**
 * The protocol of libSQL's embedded replicas, by method and path: reads are local, writes are delegated, and the log of
 * pages is followed. Source: libsql-replication/proto of libSQL; npm `libsql` 0.5.29 speaks it where `GET /info` is
 * answered with a failure.
 */
export const EMBEDDED_ROUTES: readonly (readonly [
  string,
  (context: RouteContext) => Promise<HttpResponse>,
])[] = [
  ["POST /wal_log.ReplicationLog/Hello", grpcRoute({ maxMessageBytes: SHORT, answer: answerHello })],
  [
    "POST /wal_log.ReplicationLog/BatchLogEntries",
    grpcRoute({ maxMessageBytes: SHORT, answer: answerBatchLogEntries }),
  ],
  ["POST /wal_log.ReplicationLog/Snapshot", grpcRoute({ maxMessageBytes: SHORT, answer: answerSnapshot })],
  ["POST /proxy.Proxy/Describe", grpcRoute({ maxMessageBytes: undefined, answer: answerDescribe })],
  ["POST /proxy.Proxy/Execute", grpcRoute({ maxMessageBytes: undefined, answer: answerExecute })],
  ["POST /proxy.Proxy/Disconnect", grpcRoute({ maxMessageBytes: SHORT, answer: answerDisconnect })],
];
