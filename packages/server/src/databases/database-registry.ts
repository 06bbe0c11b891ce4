import { rmSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkDatabaseName } from "../addressing/database-name.js";
import { SINGLE_DATABASE } from "../addressing/find-address.js";
import { type DatabaseJobs, inlineJobs } from "../database/database-jobs.js";
import { ServerDatabase } from "../database/server-database.js";
import type { PulledBody } from "../http/pulled-body.js";
import { toReadableStream } from "../http/to-readable-stream.js";
import { DatabaseImage } from "../pages/database-image.js";
import { streamBatches } from "../pages/stream-batches.js";
import { ServerError } from "../server-error.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import { DATABASE_FILE, DataDirectory } from "./data-directory.js";
import type { DatabaseLease } from "./database-lease.js";
import type { DatabaseStatus, Databases } from "./databases.js";
import { OpenDatabases } from "./open-databases.js";
import { receiveDatabase, writeFully } from "./receive-database.js";

/** What the registry asks of the server around it. */
export interface DatabaseRegistryHooks {
  /** Does what takes long. Default: in the calling thread. */
  readonly jobs?: DatabaseJobs;
  /**
   * Called before a database is closed without a lease, or deleted: whoever keeps a connection to it lets go. Waited for,
   * unless it must make room at once. Somebody may acquire it meanwhile, and then it stays open. Must not fail.
   */
  readonly beforeClose?: (database: ServerDatabase) => void | Promise<void>;
  /** What a database itself does not know. */
  readonly counts?: (database: ServerDatabase) => Pick<DatabaseStatus, "streams">;
}

/** Opens the databases of a server, by name, and closes them; makes, copies and deletes them. */
export class DatabaseRegistry implements Databases {
  readonly #options: ResolvedServerOptions;
  readonly #jobs: DatabaseJobs;
  readonly #counts: NonNullable<DatabaseRegistryHooks["counts"]>;
  readonly #open: OpenDatabases;
  /** Undefined: there is one file only, which stays open. */
  readonly #directory: DataDirectory | undefined;
  /** Names whose databases are being deleted. */
  readonly #ending = new Set<string>();
  #closed = false;

  /** Opens the data directory, or the one file there is. Throws `ServerError`. */
  constructor(options: ResolvedServerOptions, hooks: DatabaseRegistryHooks = {}) {
    const { jobs = inlineJobs, beforeClose = () => {}, counts = () => ({ streams: 0 }) } = hooks;
    this.#options = options;
    this.#jobs = jobs;
    this.#counts = counts;
    this.#directory =
      options.dataDirectory === undefined ? undefined : new DataDirectory(options.dataDirectory);
    this.#open = new OpenDatabases({
      open: (name) => new ServerDatabase({ ...options, path: this.#fileOf(name) }, jobs),
      beforeClose,
      clock: options.clock,
      maxOpenDatabases: this.#directory === undefined ? 1 : options.maxOpenDatabases,
      databaseIdleTimeoutMs: options.databaseIdleTimeoutMs,
    });
    if (this.#directory === undefined) this.#open.acquire(SINGLE_DATABASE);
  }

  /** Where SQLite may put its temporary files; undefined with a single file. */
  get temporaryDirectory(): string | undefined {
    return this.#directory?.temporary;
  }

  /**
   * Opens a database if need be, and keeps it open until the lease is released. One that does not exist is created, if it may
   * be. Throws `ServerError` "invalid-name", "no-such-database", "too-many-databases", "closed", or what opening throws.
   */
  acquire(name: string, mayCreate: boolean): DatabaseLease {
    this.#assertOpen();
    if (!this.#has(name)) {
      if (!mayCreate || this.#directory === undefined || this.#ending.has(name)) throw noSuchDatabase(name);
      this.#directory.createEmpty(name);
    }
    return this.#open.acquire(name);
  }

  /** Those that are open. */
  openDatabases(): readonly { readonly name: string; readonly database: ServerDatabase }[] {
    return this.#open.all;
  }

  async list(): Promise<readonly string[]> {
    this.#assertOpen();
    if (this.#directory === undefined) return [SINGLE_DATABASE];
    return (await this.#directory.list()).filter((name) => !this.#ending.has(name));
  }

  async status(name: string): Promise<DatabaseStatus> {
    this.#assertExists(name);
    const database = this.#open.find(name);
    if (database !== undefined) {
      return this.#statusOf(name, database);
    }
    const file = this.#fileOf(name);
    const [databaseBytes, walBytes] = await Promise.all([lengthOf(file), lengthOf(`${file}-wal`)]);
    return {
      name,
      isOpen: false,
      databaseBytes,
      walBytes,
      revision: undefined,
      waiters: 0,
      waitingWriters: 0,
      streams: 0,
      maintenanceError: undefined,
    };
  }

  /** The same of all that are open. */
  openStatus(): readonly DatabaseStatus[] {
    return this.#open.all.map(({ name, database }) => this.#statusOf(name, database));
  }

  async create(name: string): Promise<void> {
    this.#many("created").createEmpty(name);
  }

  async fork(from: string, to: string): Promise<void> {
    const directory = this.#many("copied");
    checkDatabaseName(to);
    const lease = this.acquire(from, false);
    let isRemoved = false;
    lease.onRemoved = () => {
      isRemoved = true;
    };
    try {
      await lease.database.readAhead();
      await this.#make(directory, to, (file) => writeImage(new DatabaseImage(lease.database), file));
    } catch (error) {
      throw isRemoved ? noSuchDatabase(from) : error;
    } finally {
      lease.release();
    }
  }

  async import(name: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const directory = this.#many("created");
    await this.#make(directory, name, async (file) => {
      await receiveDatabase(file, source, this.#options.maxImportBytes);
      const problems = await this.#jobs.verify(file, "quick");
      if (problems.length === 0) return;
      throw new ServerError(
        "not-a-database",
        `what was sent is no intact SQLite database: ${problems.slice(0, 3).join("; ")}`,
      );
    });
  }

  async export(name: string): Promise<ReadableStream<Uint8Array>> {
    return toReadableStream((await this.exportImage(name, () => {})).body);
  }

  /** The same, with the length of it in bytes. `onEnd` is called when it is not read any more, perhaps more than once. */
  async exportImage(
    name: string,
    onEnd: () => void,
  ): Promise<{ readonly length: number; readonly body: PulledBody }> {
    let letGo = onEnd;
    try {
      const lease = this.acquire(name, false);
      letGo = () => {
        lease.release();
        onEnd();
      };
      await lease.database.readAhead();
      const image = new DatabaseImage(lease.database);
      const end = (): void => {
        image.end();
        letGo();
      };
      return { length: image.length, body: streamBatches(lease.database, [], () => image.next(), end) };
    } catch (error) {
      letGo();
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    const directory = this.#many("deleted");
    this.#assertExists(name);
    this.#ending.add(name);
    let removed: string;
    try {
      await this.#open.end(name);
      removed = directory.unpublish(name);
    } finally {
      this.#ending.delete(name);
    }
    await directory.discard(removed);
  }

  async verify(name: string): Promise<readonly string[]> {
    // The lease keeps the file from being deleted unnoticed, and its WAL in place.
    const lease = this.acquire(name, false);
    try {
      return await this.#jobs.verify(this.#fileOf(name), "full");
    } finally {
      lease.release();
    }
  }

  /** Closes everything under its users, for good. At once, if the jobs answer at once. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    const closing = this.#open.close();
    if (closing !== undefined) return closing.then(() => this.#directory?.close());
    this.#directory?.close();
    return Promise.resolve();
  }

  /** Makes a database where nobody sees it, and gives it its name when it is whole. */
  async #make(directory: DataDirectory, name: string, write: (file: string) => Promise<void>): Promise<void> {
    directory.assertFree(name);
    const made = directory.makeTemporary();
    try {
      const file = join(made, DATABASE_FILE);
      await write(file);
      this.#assertOpen();
      // What looking at it may have left. The file is whole without.
      for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
      directory.publish(made, name);
    } catch (error) {
      await directory.discard(made);
      throw error;
    }
  }

  #statusOf(name: string, database: ServerDatabase): DatabaseStatus {
    return { name, isOpen: true, ...database.status(), ...this.#counts(database) };
  }

  #fileOf(name: string): string {
    return this.#directory?.fileOf(name) ?? (this.#options.path as string);
  }

  #has(name: string): boolean {
    if (this.#directory === undefined) return name === SINGLE_DATABASE;
    checkDatabaseName(name);
    return !this.#ending.has(name) && (this.#open.find(name) !== undefined || this.#directory.has(name));
  }

  #assertExists(name: string): void {
    this.#assertOpen();
    if (!this.#has(name)) throw noSuchDatabase(name);
  }

  #assertOpen(): void {
    if (this.#closed) throw new ServerError("closed", "the server is closed");
  }

  #many(done: string): DataDirectory {
    this.#assertOpen();
    if (this.#directory !== undefined) return this.#directory;
    throw new ServerError("single-database", `the server serves a single file: databases cannot be ${done}`);
  }
}

async function writeImage(image: DatabaseImage, file: string): Promise<void> {
  try {
    const handle = await open(file, "wx", 0o644);
    try {
      for (let piece = image.next(); piece !== undefined; piece = image.next())
        await writeFully(handle, piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    image.end();
  }
}

async function lengthOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

function noSuchDatabase(name: string): ServerError {
  return new ServerError("no-such-database", `there is no database ${name}`);
}
