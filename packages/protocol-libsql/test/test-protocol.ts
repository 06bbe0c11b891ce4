import { join } from "node:path";
import {
  type MaybePromise,
  type ProtocolIo,
  type RemoteStepResult,
  type StepCondition,
  SyncError,
} from "@tributary/core";
import {
  createLibsqlProtocol,
  type LibsqlProtocol,
  type LibsqlProtocolOptions,
} from "@tributary/protocol-libsql";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../tests/support/temporary-directory.js";
import { type ReferenceServer, startReference } from "./reference-server.js";
import { TestClock } from "./test-clock.js";

/** A server, and a protocol that speaks to it. */
export interface TestProtocol {
  readonly server: ReferenceServer;
  readonly protocol: LibsqlProtocol;
  readonly clock: TestClock;
  readonly mirrorPath: string;
  /** Closes the protocol and opens another one on the same mirror, as after a restart of the process. */
  reopen(): Promise<LibsqlProtocol>;
}

export async function setUp(
  options: Partial<LibsqlProtocolOptions> = {},
  firstGeneration = 1,
): Promise<TestProtocol> {
  const server = await startReference(firstGeneration);
  const mirrorPath = join(temporaryDirectory(), "mirror");
  const clock = new TestClock();
  const open = (): LibsqlProtocol => {
    const opened = createLibsqlProtocol({ url: server.url, mirrorPath, clock, ...options });
    onTestFinished(() => opened.close());
    return opened;
  };
  const context = {
    server,
    clock,
    mirrorPath,
    protocol: open(),
    async reopen() {
      await context.protocol.close();
      context.protocol = open();
      return context.protocol;
    },
  };
  return context;
}

/** Runs statements as one batch that must not run twice, each if the one before it did. */
export async function run(io: ProtocolIo, ...sql: readonly string[]): Promise<readonly RemoteStepResult[]> {
  const steps = sql.map((text) => ({
    sql: text,
    params: [],
    condition: "previous-ok" as StepCondition,
    wantRows: true,
  }));
  return io.runRemoteBatch({ steps, repeatable: false });
}

/** The rows of one statement. */
export async function rowsOf(io: ProtocolIo, sql: string): Promise<readonly (readonly unknown[])[]> {
  const [result] = await run(io, sql);
  if (result?.type !== "ok") throw new Error(`no rows: ${JSON.stringify(result)}`);
  return result.rows;
}

/** What a pull brought, laid over what the one before it left. */
export interface Pulled {
  readonly revision: string;
  readonly pageIds: readonly number[];
  readonly file: Buffer;
}

export async function pull(io: ProtocolIo, since?: Pulled, longPollTimeoutMs = 0): Promise<Pulled> {
  const request = { longPollTimeoutMs, ...(since && { clientRevision: since.revision }) };
  const { pull: handle, header } = await io.startPull(request);
  const file = Buffer.alloc(header.databaseSize * 4096);
  since?.file.copy(file);
  const pageIds: number[] = [];
  try {
    for (let batch = await io.receivePages(handle); batch; batch = await io.receivePages(handle)) {
      for (const [index, pageId] of batch.pageIds.entries()) {
        file.set(batch.bytes.subarray(index * 4096, (index + 1) * 4096), pageId * 4096);
        pageIds.push(pageId);
      }
    }
  } finally {
    await io.endPull(handle);
  }
  return { revision: header.revision, pageIds, file };
}

/** The rows of a query of a pulled database, which SQLite finds sound. */
export function queryFile({ file }: Pulled, sql: string): unknown[] {
  const bytes = Buffer.from(file);
  bytes.fill(1, 18, 20);
  const db = new Database(bytes);
  try {
    const check = db.pragma("integrity_check", { simple: true });
    if (check !== "ok") throw new Error(String(check));
    return db.prepare(sql).raw().all();
  } finally {
    db.close();
  }
}

/** The error of an operation that is to fail. */
export async function errorOf(operation: MaybePromise<unknown>): Promise<SyncError> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof SyncError) return error;
    throw error;
  }
  throw new Error("the operation did not fail");
}
