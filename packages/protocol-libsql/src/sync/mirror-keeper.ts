import { createMirror, ImageDownload } from "../mirror/create-mirror.js";
import { onHost, toHostError } from "../mirror/host-errors.js";
import { loadMirror } from "../mirror/load-mirror.js";
import type { Mirror } from "../mirror/mirror.js";
import { deleteMirror, type MirrorFiles } from "../mirror/mirror-files.js";
import { type ImageTarget, isGone, type LibsqlRemote } from "../remote/libsql-remote.js";
import { catchUp, hasSameFrame } from "./catch-up.js";

/**
 * Has the mirror, and brings it up to date: the one that is on the disk, or, where that cannot be used or belongs to a
 * remote that is not what it was, a new one. Its methods must not overlap.
 */
export class MirrorKeeper {
  readonly #files: MirrorFiles;
  readonly #remote: LibsqlRemote;
  #mirror: Mirror | undefined;
  #isLoaded = false;
  /** Whether the remote is known to go on from the mirror. */
  #isVerified = false;

  constructor(files: MirrorFiles, remote: LibsqlRemote) {
    this.#files = files;
    this.#remote = remote;
  }

  /** The one in use. */
  get mirror(): Mirror | undefined {
    return this.#mirror;
  }

  /** The one in use, or on the disk, as it is. Asks nobody. */
  async load(): Promise<Mirror | undefined> {
    if (this.#isLoaded) return this.#mirror;
    try {
      this.#mirror = await loadMirror(this.#files);
    } catch (error) {
      throw toHostError(error, this.#files.database);
    }
    this.#isLoaded = true;
    return this.#mirror;
  }

  /** The mirror, with all that the remote has. Rejects with `SyncError`. */
  async refresh(signal: AbortSignal): Promise<Mirror> {
    for (let hasDiscarded = false; ; hasDiscarded = true) {
      try {
        const mirror = (await this.load()) ?? (await this.#make(signal));
        this.#isVerified ||= await hasSameFrame(mirror, this.#remote, signal);
        if (this.#isVerified) {
          await catchUp(mirror, this.#remote, signal);
          return mirror;
        }
      } catch (error) {
        // Whatever went wrong, the remote may be another one when it answers next.
        this.#isVerified = false;
        if (hasDiscarded || this.#mirror === undefined || !isGone(error)) throw error;
      }
      this.discard();
    }
  }

  /** Deletes it: the next use makes a new one. */
  discard(): void {
    const mirror = this.#mirror;
    this.#mirror = undefined;
    this.#isVerified = false;
    onHost(this.#files.database, () => (mirror === undefined ? deleteMirror(this.#files) : mirror.discard()));
  }

  /** The remote has given an answer that does not fit: before it is believed again, it is asked for the last frame. */
  doubt(): void {
    this.#isVerified = false;
  }

  close(): void {
    this.#mirror?.close();
    this.#mirror = undefined;
    this.#isLoaded = false;
  }

  async #make(signal: AbortSignal): Promise<Mirror> {
    const generation = await this.#remote.info(signal);
    const { database } = this.#files;
    const download = onHost(database, () => new ImageDownload(this.#files));
    try {
      const target: ImageTarget = {
        restart: () => onHost(database, () => download.restart()),
        write: (part) => onHost(database, () => download.write(part)),
        problem: () => onHost(database, () => download.problem()),
        get length() {
          return download.length;
        },
      };
      await this.#remote.downloadImage(generation, target, signal);
    } finally {
      download.close();
    }
    try {
      this.#mirror = await createMirror(this.#files, generation);
    } catch (error) {
      throw toHostError(error, database);
    }
    this.#isVerified = true;
    return this.#mirror;
  }
}
