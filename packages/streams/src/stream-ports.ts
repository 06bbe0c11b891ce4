import {
  combinePorts,
  type EngineIo,
  type IoOperations,
  type ProtocolIo,
  type SqlIo,
  SyncError,
} from "@tributary/core";
import type { StreamClock } from "./stream-clock.js";

/** The ports that procedures of change streams run on: SQL and time. They ask for no files and no remote. */
export function streamPorts(sql: SqlIo, clock: StreamClock): EngineIo {
  return combinePorts({
    files: absent as IoOperations,
    remote: absent as unknown as ProtocolIo,
    sql,
    clock: {
      now: () => clock.now(),
      randomBytes: (count) => clock.randomBytes(count),
      sleep: () => refuse("sleep"),
    },
  });
}

const absent: object = new Proxy({}, { get: (_target, method) => () => refuse(String(method)) });

function refuse(method: string): never {
  throw new SyncError("internal", `A change stream has asked for ${method}.`);
}
