import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import {
  type Coroutine,
  combinePorts,
  type EngineIo,
  openReplica,
  type ProtocolIo,
  type ReplicaConfig,
  type ReplicaSession,
  StatementCache,
  SyncError,
} from "@tributary/core";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import type Database from "better-sqlite3";
import type { World } from "./world.js";

/** When a process dies: before it makes more requests than this, of one kind or of all. */
export interface Lifetime {
  readonly requests: number;
  readonly method?: keyof EngineIo;
}

const IMMORTAL: Lifetime = { requests: Number.POSITIVE_INFINITY };

/** One life of a replica: the real engine over real files, until it is closed or dies. */
export class EngineProcess {
  readonly #world: World;
  readonly #sqlite = createBetterSqlite3({ synchronous: "OFF" });
  readonly #queries = new StatementCache<Database.Statement<unknown[]>>();
  readonly #ports: EngineIo;
  #session: ReplicaSession | undefined;
  #lifetime = IMMORTAL;
  #requestsLeft = Number.POSITIVE_INFINITY;

  constructor(world: World, remote: ProtocolIo) {
    this.#world = world;
    const files = { ...createNodeStorage(), fileStamp: checksumOf };
    const ports = combinePorts({ files, sql: this.#sqlite, remote, clock: world.clock });
    this.#ports = this.#mortal(ports);
  }

  get session(): ReplicaSession {
    if (this.#session === undefined) throw new Error("The replica is not open.");
    return this.#session;
  }

  /** The app's connection. */
  get db(): Database.Database {
    return this.#sqlite.db;
  }

  /** Whether it did not survive the last procedure. */
  get isDead(): boolean {
    return this.#requestsLeft < 0;
  }

  async open(config: ReplicaConfig, lifetime?: Lifetime): Promise<void> {
    this.#session = await this.run(openReplica(config), lifetime);
  }

  /** Runs a procedure, unless it dies. */
  async run<T>(procedure: Coroutine<T>, lifetime: Lifetime = IMMORTAL): Promise<T> {
    this.#lifetime = lifetime;
    this.#requestsLeft = lifetime.requests;
    return await this.#world.stage.run(procedure, this.#ports);
  }

  query(sql: string): unknown[][] {
    const statement = this.#queries.get(sql, (text) => this.db.prepare<unknown[]>(text).raw());
    return statement.all() as unknown[][];
  }

  /** Lets go of what a dead one has left open. What that does to its files is nobody's business any more. */
  abandon(): void {
    this.#sqlite.closeConnections();
    this.#sqlite.releaseLock();
  }

  /** Ports that do nothing any more once it has died. */
  #mortal(ports: EngineIo): EngineIo {
    const methods = Object.entries(ports).map(([method, call]) => [
      method,
      (...args: unknown[]) => {
        const isCounted = this.#lifetime.method === undefined || this.#lifetime.method === method;
        if (isCounted && !this.isDead) this.#requestsLeft--;
        if (this.isDead) throw new SyncError("internal", "The process has died.");
        return (call as (...args: unknown[]) => unknown)(...args);
      },
    ]);
    return Object.fromEntries(methods) as EngineIo;
  }
}

/** The files as they are, as another process would find them. */
export function copyDirectory(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
}

/** Copies of a file are to look like the file, so its time does not count. */
function checksumOf(path: string): string | undefined {
  try {
    return String(crc32(readFileSync(path)));
  } catch {
    return undefined;
  }
}
