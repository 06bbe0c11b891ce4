import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import {
  closeCapture,
  combinePorts,
  type EngineIo,
  InboundStream,
  type InboundStreamOptions,
  type IoOperations,
  OutboundStream,
  type OutboundStreamOptions,
  openCapture,
  type ProtocolIo,
  runSync,
  type StreamHost,
  type StreamRetention,
} from "@tributary/core";
import { type BetterSqlite3Io, createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createRandom } from "@tributary/testkit";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary-directory.js";

/** Settings of {@link openStreamDatabase}. */
export interface StreamDatabaseSettings {
  readonly path?: string;
  readonly name?: string;
  readonly schema?: string;
  readonly retention?: StreamRetention;
}

/** A captured database with its streams, and a clock that stands still. */
export interface StreamDatabase {
  readonly path: string;
  readonly site: string;
  readonly sql: BetterSqlite3Io;
  readonly db: BetterSqlite3Io["db"];
  readonly host: StreamHost;
  /** Milliseconds since 1970. */
  time: number;
  outbound(options?: OutboundStreamOptions): OutboundStream;
  inbound(options: InboundStreamOptions): InboundStream;
  /** The database as a crash would leave it now, opened. */
  crash(): StreamDatabase;
  close(): void;
  /** Rows of a query, by position. */
  rows(query: string): unknown[][];
}

let opened = 0;

/** Opens a database for tests of streams. It is closed when the test has ended. */
export function openStreamDatabase(settings: StreamDatabaseSettings = {}): StreamDatabase {
  const { name = "site", schema = "", retention } = settings;
  const path = settings.path ?? join(temporaryDirectory(), `${name}.db`);
  const sql = createBetterSqlite3({ isReplica: false, synchronous: "OFF" });
  opened++;
  const random = createRandom(opened);
  const randomBytes = (count: number): Uint8Array => random.bytes(count);
  const database = { time: 1_000_000 };
  const ports: EngineIo = combinePorts({
    files: {} as IoOperations,
    remote: {} as ProtocolIo,
    sql,
    clock: {
      now: () => database.time,
      randomBytes,
      sleep: () => Promise.reject(new Error("nobody sleeps here")),
    },
  });
  const site = runSync(openCapture({ path, name }), ports);
  // Nothing here is about power cuts.
  sql.executeSql("writer", "PRAGMA synchronous = OFF");
  if (schema !== "") sql.db.exec(schema);
  let isOpen = true;
  const host: StreamHost = {
    run: (procedure) => runSync(procedure, ports),
    openReader: () => sql.openReader(),
    now: () => database.time,
    randomBytes,
    mayTrimTape: true,
    retention,
    onApplied() {},
  };
  const close = (): void => {
    if (isOpen) runSync(closeCapture(), ports);
    isOpen = false;
  };
  onTestFinished(close);
  return Object.assign(database, {
    path,
    site,
    sql,
    db: sql.db,
    host,
    outbound: (options: OutboundStreamOptions = {}) => new OutboundStream(host, site, options),
    inbound: (options: InboundStreamOptions) => new InboundStream(host, site, options),
    crash: () => openStreamDatabase({ ...settings, schema: "", path: copyOf(path) }),
    close,
    rows: (query: string) => sql.db.prepare(query).safeIntegers(true).raw(true).all() as unknown[][],
  });
}

/** A copy of a database file, as a crash would leave it now. */
export function copyOf(path: string): string {
  const copy = join(temporaryDirectory(), "crashed.db");
  for (const suffix of ["", "-wal"]) {
    if (existsSync(`${path}${suffix}`)) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  }
  return copy;
}

/** Sends all that there is, acknowledging each package. Gives how many there were. */
export function pump(outbound: OutboundStream, inbound: InboundStream): number {
  for (let count = 0; ; count++) {
    const made = outbound.next();
    if (made === undefined) return count;
    inbound.apply(made.payload);
    made.ack();
  }
}
