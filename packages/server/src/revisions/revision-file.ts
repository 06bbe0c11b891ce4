import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "../files/sync-directory.js";
import { PageIndex } from "../pages/page-index.js";
import { readPageRuns } from "./page-runs.js";
import type { SavedState } from "./saved-state.js";

/** What a file holds. */
export interface SavedRevisions {
  readonly state: SavedState;
  readonly index: PageIndex;
}

type SavedHead = Omit<SavedState, "lineage"> & Partial<Pick<SavedState, "lineage">>;

const MAGIC = Buffer.from("tributary revisions 1\n");
const DIGEST_BYTES = 16;
/** Lengths of the whole payload and of the JSON in it, then the digest. */
const RECORD_HEADER_BYTES = 8 + DIGEST_BYTES;
/** The file is written anew when it is this much longer than twice what it was then. */
const SPARE_BYTES = 1024 * 1024;

/**
 * The file beside the database that lets revisions outlive the process: a log of records, each with a state and the
 * pages that changed since the record before. A record's digest covers the one before it, so the log ends at the first
 * byte that is not as it was written, and what lies before still counts.
 */
export class RevisionFile {
  readonly #path: string;
  #descriptor: number;
  /** Where the next record goes, and the digest of the last one. */
  #end: number;
  #digest: Buffer;
  #lengthWhenRewritten = 0;
  #saved: SavedRevisions | undefined;
  #isSynced = true;

  /** Opens the file, or creates it empty. Throws an error of Node. */
  constructor(path: string) {
    this.#path = path;
    rmSync(this.#nextPath, { force: true });
    this.#descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    this.#end = MAGIC.length;
    this.#digest = MAGIC;
    try {
      this.#saved = this.#read(readFileSync(this.#descriptor));
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** The newest state that was found when it was opened. To be taken over: the index is not copied. */
  takeSaved(): SavedRevisions | undefined {
    const saved = this.#saved;
    this.#saved = undefined;
    return saved;
  }

  /** Whether so much was appended that it is time to `rewrite`. */
  get isLong(): boolean {
    return this.#end > 2 * this.#lengthWhenRewritten + SPARE_BYTES;
  }

  /** Whether what was written is on the disk. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Adds a record. Where that fails, the next one takes its place. Throws an error of Node. */
  append(head: SavedHead, runs: Uint8Array): void {
    const { bytes, digest } = formatRecord(this.#digest, head, runs);
    this.#isSynced = false;
    writeAll(this.#descriptor, bytes, this.#end);
    this.#end += bytes.length;
    this.#digest = digest;
  }

  /** Puts a file with only this in the place of the one there, durably. Throws an error of Node. */
  rewrite(state: SavedState, runs: Uint8Array): void {
    const { bytes, digest } = formatRecord(MAGIC, state, runs);
    const descriptor = openSync(this.#nextPath, "w+", 0o644);
    try {
      writeAll(descriptor, MAGIC, 0);
      writeAll(descriptor, bytes, MAGIC.length);
      fsyncSync(descriptor);
      renameSync(this.#nextPath, this.#path);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#end = MAGIC.length + bytes.length;
    this.#lengthWhenRewritten = this.#end;
    this.#digest = digest;
    syncDirectory(dirname(this.#path));
    this.#isSynced = true;
  }

  /** Brings what was appended to the disk. Throws an error of Node. */
  sync(): void {
    fdatasyncSync(this.#descriptor);
    this.#isSynced = true;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  get #nextPath(): string {
    return `${this.#path}-next`;
  }

  #read(bytes: Buffer): SavedRevisions | undefined {
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
    let state: SavedState | undefined;
    const index = new PageIndex();
    for (;;) {
      const record = parseRecord(bytes, this.#end, this.#digest);
      if (record === undefined) break;
      const { head, runs, digest, end } = record;
      const lineage: SavedState["lineage"] | undefined = head.lineage ?? state?.lineage;
      if (lineage === undefined) break;
      state = { ...head, lineage };
      for (const run of readPageRuns(runs, head.revision.sequence)) index.markRun(run);
      if (this.#lengthWhenRewritten === 0) this.#lengthWhenRewritten = end;
      this.#end = end;
      this.#digest = digest;
    }
    // What lies behind is damaged, or was not written to its end.
    if (state !== undefined && this.#end < bytes.length) ftruncateSync(this.#descriptor, this.#end);
    return state === undefined ? undefined : { state, index };
  }
}

function formatRecord(
  previous: Buffer,
  head: SavedHead,
  runs: Uint8Array,
): { bytes: Buffer; digest: Buffer } {
  const json = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(json.length + runs.length, 0);
  lengths.writeUInt32LE(json.length, 4);
  const digest = digestOf(previous, lengths, json, runs);
  return { bytes: Buffer.concat([lengths, digest, json, runs]), digest };
}

function parseRecord(
  bytes: Buffer,
  start: number,
  previous: Buffer,
): { head: SavedHead; runs: Uint8Array; digest: Buffer; end: number } | undefined {
  const payload = start + RECORD_HEADER_BYTES;
  if (payload > bytes.length) return undefined;
  const end = payload + bytes.readUInt32LE(start);
  const runsStart = payload + bytes.readUInt32LE(start + 4);
  if (end > bytes.length || runsStart > end) return undefined;
  const digest = Buffer.from(bytes.subarray(start + 8, payload));
  if (!digestOf(previous, bytes.subarray(start, start + 8), bytes.subarray(payload, end)).equals(digest)) {
    return undefined;
  }
  const head = JSON.parse(bytes.toString("utf8", payload, runsStart)) as SavedHead;
  return { head, runs: bytes.subarray(runsStart, end), digest, end };
}

function digestOf(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, DIGEST_BYTES);
}

/** Trap: `writeSync` may write less than it is given. */
function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
}
