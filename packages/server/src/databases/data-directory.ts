import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkDatabaseName, isDatabaseName } from "../addressing/database-name.js";
import { explainOpenFailure } from "../database/database-file.js";
import { syncDirectory } from "../files/sync-directory.js";
import { ServerError } from "../server-error.js";
import { DirectoryLock } from "./directory-lock.js";

/** The database's file in its directory, in the making too. */
export const DATABASE_FILE = "database.db";

/**
 * Where the databases of a server are: `databases/<name>/database.db`, a directory for each, which gets its name when it is
 * whole and loses it before anything in it is deleted. What has no name yet, or no longer, is in `tmp`, and goes when
 * the next server starts. Every path is made here, of names that were checked.
 */
export class DataDirectory {
  /** For files that nobody needs when the server ends: what is half made, and SQLite's own temporary files. */
  readonly temporary: string;
  readonly #databases: string;
  readonly #lock: DirectoryLock;

  /** Makes what is missing, and takes the directory for this server. Throws `ServerError` "cannot-open", "database-busy". */
  constructor(path: string) {
    const root = resolve(path);
    this.#databases = join(root, "databases");
    this.temporary = join(root, "tmp");
    try {
      mkdirSync(root, { recursive: true });
    } catch (error) {
      throw new ServerError("cannot-open", explainOpenFailure(root, error), error);
    }
    this.#lock = new DirectoryLock(root);
    try {
      mkdirSync(this.#databases, { recursive: true });
      mkdirSync(this.temporary, { recursive: true });
      for (const entry of readdirSync(this.temporary)) {
        rmSync(join(this.temporary, entry), { recursive: true, force: true });
      }
      syncDirectory(root);
    } catch (error) {
      this.#lock.release();
      throw new ServerError("cannot-open", explainOpenFailure(root, error), error);
    }
  }

  /** The file of a database. Throws `ServerError` "invalid-name". */
  fileOf(name: string): string {
    return join(this.#directoryOf(name), DATABASE_FILE);
  }

  has(name: string): boolean {
    return statSync(this.fileOf(name), { throwIfNoEntry: false })?.isFile() === true;
  }

  /** Names of all databases, ascending. */
  async list(): Promise<readonly string[]> {
    const entries = await readdir(this.#databases, { withFileTypes: true });
    // An operator may have moved one to another disk and left a link.
    const names = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
    return names
      .map(({ name }) => name)
      .filter((name) => isDatabaseName(name) && this.has(name))
      .sort();
  }

  /** Makes an empty database, durably. Throws `ServerError` "invalid-name", "database-exists", or an error of Node. */
  createEmpty(name: string): void {
    this.assertFree(name);
    const made = this.makeTemporary();
    try {
      const descriptor = openSync(join(made, DATABASE_FILE), "wx", 0o644);
      fsyncSync(descriptor);
      closeSync(descriptor);
      this.publish(made, name);
    } catch (error) {
      rmSync(made, { recursive: true, force: true });
      throw error;
    }
  }

  /** A directory for a database in the making, empty. */
  makeTemporary(): string {
    const path = join(this.temporary, randomBytes(12).toString("hex"));
    mkdirSync(path);
    return path;
  }

  /** Throws `ServerError` "database-exists", "invalid-name". */
  assertFree(name: string): void {
    if (lstatSync(this.#directoryOf(name), { throwIfNoEntry: false }) === undefined) return;
    throw new ServerError(
      "database-exists",
      `there is a database ${name} already: delete it first, or choose another name`,
    );
  }

  /** Gives a database that is whole, and synced, its name, durably. Throws `ServerError` "database-exists", or an error of Node. */
  publish(made: string, name: string): void {
    syncDirectory(made);
    // Nobody else makes directories here, and nothing comes between these two: rename would replace an empty one.
    this.assertFree(name);
    renameSync(made, this.#directoryOf(name));
    syncDirectory(this.#databases);
  }

  /** Takes the name away from a database, durably, and gives the directory that is to be deleted. */
  unpublish(name: string): string {
    const removed = join(this.temporary, randomBytes(12).toString("hex"));
    renameSync(this.#directoryOf(name), removed);
    syncDirectory(this.#databases);
    return removed;
  }

  /** Deletes what `makeTemporary` or `unpublish` gave. What cannot be deleted now goes at the next start. */
  async discard(temporary: string): Promise<void> {
    await rm(temporary, { recursive: true, force: true, maxRetries: 2 });
  }

  /** Lets another server have it. */
  close(): void {
    this.#lock.release();
  }

  #directoryOf(name: string): string {
    return join(this.#databases, checkDatabaseName(name));
  }
}
