import type { HttpClock } from "@tributary/protocol-http";
import { createMirror, ImageDownload } from "../mirror/create-mirror.js";
import { onHost, toHostError } from "../mirror/host-errors.js";
import { loadMirror } from "../mirror/load-mirror.js";
import type { Mirror } from "../mirror/mirror.js";
import { deleteMirror, type MirrorFiles } from "../mirror/mirror-files.js";
import { type ImageTarget, isGone, type LibsqlRemote } from "../remote/libsql-remote.js";
import { catchUp, hasSameFrame } from "./catch-up.js";

/** How long it is taken for granted that the remote has the mirror's last frame, where nothing has gone wrong. */
const VERIFY_EVERY_MS = 30_000;
/** How often a mirror is made anew because the remote refuses what comes from it. Each costs the server a copy of the database. */
const REMAKE_EVERY_MS = 3_600_000;

/**
 * Has the mirror, and brings it up to date: the one that is on the disk, or, where that cannot be used or belongs to a
 * remote that is not what it was, a new one. Its methods must not overlap.
 */
export class MirrorKeeper {
  readonly #files: MirrorFiles;
  readonly #remote: LibsqlRemote;
  readonly #clock: Pick<HttpClock, "now">;
  #mirror: Mirror | undefined;
  #isLoaded = false;
  /** When the remote was last known to go on from the mirror; `undefined`: it is not. */
  #verifiedAt: number | undefined;
  /** When the mirror was made, if the remote has taken nothing from it yet. */
  #untriedSince: number | undefined;

  constructor(files: MirrorFiles, remote: LibsqlRemote, clock: Pick<HttpClock, "now">) {
    this.#files = files;
    this.#remote = remote;
    this.#clock = clock;
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
        if (await this.#isGoneOnFrom(mirror, signal)) {
          await catchUp(mirror, this.#remote, signal);
          return mirror;
        }
      } catch (error) {
        // Whatever went wrong, the remote may be another one when it answers next.
        this.#verifiedAt = undefined;
        if (hasDiscarded || this.#mirror === undefined || !isGone(error)) throw error;
      }
      this.discard();
    }
  }

  /** Whether another mirror would be refused as this one is: it was made not long ago, and nothing was taken from it. */
  get isUntried(): boolean {
    return this.#untriedSince !== undefined && this.#clock.now() - this.#untriedSince < REMAKE_EVERY_MS;
  }

  /** The remote has taken a push. */
  noteTaken(): void {
    this.#untriedSince = undefined;
  }

  /** Deletes it: the next use makes a new one. */
  discard(): void {
    const mirror = this.#mirror;
    this.#mirror = undefined;
    this.#verifiedAt = undefined;
    onHost(this.#files.database, () => (mirror === undefined ? deleteMirror(this.#files) : mirror.discard()));
  }

  /** The remote has given an answer that does not fit: before it is believed again, it is asked for the last frame. */
  doubt(): void {
    this.#verifiedAt = undefined;
  }

  close(): void {
    this.#mirror?.close();
    this.#mirror = undefined;
    this.#isLoaded = false;
  }

  /** Asked again now and then: a server that is restored between two requests answers the next one as if nothing were. */
  async #isGoneOnFrom(mirror: Mirror, signal: AbortSignal): Promise<boolean> {
    const now = this.#clock.now();
    if (this.#verifiedAt !== undefined && now - this.#verifiedAt < VERIFY_EVERY_MS) return true;
    if (!(await hasSameFrame(mirror, this.#remote, signal))) return false;
    this.#verifiedAt = now;
    return true;
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
    this.#verifiedAt = this.#clock.now();
    this.#untriedSince = this.#verifiedAt;
    return this.#mirror;
  }
}
