import type { Clock } from "./clock.js";
import type { IoOperations } from "./io-operations.js";
import type { ProtocolIo } from "./protocol-io.js";
import type { SqlIo } from "./sql-io.js";

/** Everything an engine procedure may ask of its host. Method names are unique across the ports. */
export interface EngineIo extends IoOperations, SqlIo, ProtocolIo, Clock {}

/** The ports of a host, one by one. */
export interface HostPorts {
  readonly files: IoOperations;
  readonly sql: SqlIo;
  readonly remote: ProtocolIo;
  readonly clock: Clock;
}

/** Which port each method belongs to; complete, or it does not compile. */
const OWNER: { readonly [M in keyof EngineIo]: keyof HostPorts } = {
  openFile: "files",
  readAt: "files",
  writeAt: "files",
  fileSize: "files",
  truncateFile: "files",
  syncFile: "files",
  closeFile: "files",
  fileStamp: "files",
  readWholeFile: "files",
  replaceWholeFile: "files",
  renameFile: "files",
  removeFile: "files",
  acquireLock: "sql",
  releaseLock: "sql",
  openConnections: "sql",
  closeConnections: "sql",
  queryFile: "sql",
  querySql: "sql",
  executeSql: "sql",
  runSql: "sql",
  tryBeginWrite: "sql",
  refreshCapture: "sql",
  transactionBoundaries: "sql",
  startPull: "remote",
  receivePages: "remote",
  endPull: "remote",
  runRemoteBatch: "remote",
  now: "clock",
  sleep: "clock",
  randomBytes: "clock",
};

/** The ports as one object, whatever they are made of: each method is called on the port it belongs to. */
export function combinePorts(ports: HostPorts): EngineIo {
  const combined: Record<string, unknown> = {};
  for (const [method, owner] of Object.entries(OWNER)) {
    combined[method] = (...args: unknown[]) =>
      (ports[owner] as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args);
  }
  return combined as unknown as EngineIo;
}
