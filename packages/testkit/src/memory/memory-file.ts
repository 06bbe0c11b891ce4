import { grownToHold } from "@tributary/core";
import type { SeededRandom } from "../random/seeded-random.js";

/** One write or change of size. */
type Change =
  | { readonly type: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: "truncate"; readonly size: number };

/** Of all files together, so that no two contents have the same one. */
let lastVersion = 0;

/** The content of a file twice: as programs see it, and as it was last synced, with the changes between. */
export class MemoryFile {
  #seen = new Content();
  readonly #synced = new Content();
  #changes: Change[] = [];
  #version = ++lastVersion;
  #syncedVersion = this.#version;

  /** A file whose content is durable. */
  static durable(bytes: Uint8Array): MemoryFile {
    const file = new MemoryFile();
    file.write(0, bytes);
    file.sync();
    return file;
  }

  /** Another one after each change. */
  get stamp(): string {
    return `${this.#seen.size}:${this.#version}`;
  }

  get size(): number {
    return this.#seen.size;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#seen.read(offset, length);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#change({ type: "write", offset, bytes: Uint8Array.from(bytes) });
  }

  truncate(size: number): void {
    this.#change({ type: "truncate", size });
  }

  sync(): void {
    for (const change of this.#changes) this.#synced.apply(change);
    this.#changes = [];
    this.#syncedVersion = this.#version;
  }

  /**
   * Takes what a power cut leaves as the content: none of the changes since the last sync, all, or the first few, the last
   * of them torn. Without `random`: none.
   */
  crash(random: SeededRandom | undefined): void {
    const outcome = random?.pick(["none", "all", "some"] as const) ?? "none";
    if (outcome === "none") {
      this.#changes = [];
      this.#version = this.#syncedVersion;
    } else if (outcome === "some" && random !== undefined && this.#changes.length > 0) {
      this.#changes.length = 1 + random.below(this.#changes.length);
      const last = this.#changes.pop() as Change;
      this.#changes.push(tear(last, random));
      this.#version = ++lastVersion;
    }
    this.sync();
    this.#seen = this.#synced.copy();
  }

  #change(change: Change): void {
    this.#seen.apply(change);
    this.#changes.push(change);
    this.#version = ++lastVersion;
  }
}

/** A change of size happens or does not; of a write, less than all gets done. */
function tear(change: Change, random: SeededRandom): Change {
  if (change.type === "truncate") return change;
  return { ...change, bytes: change.bytes.subarray(0, random.below(change.bytes.length)) };
}

class Content {
  #bytes: Uint8Array = new Uint8Array();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(Math.min(offset, this.#size), Math.min(offset + length, this.#size));
  }

  apply(change: Change): void {
    if (change.type === "write") {
      if (change.bytes.length === 0) return;
      this.#extend(Math.max(this.#size, change.offset + change.bytes.length));
      this.#bytes.set(change.bytes, change.offset);
    } else {
      if (change.size < this.#size) this.#bytes.fill(0, change.size, this.#size);
      this.#extend(change.size);
    }
  }

  copy(): Content {
    const copy = new Content();
    copy.#bytes = this.#bytes.slice(0, this.#size);
    copy.#size = this.#size;
    return copy;
  }

  /** Places beyond the size hold zeros. */
  #extend(size: number): void {
    if (size > 0) this.#bytes = grownToHold(this.#bytes, size - 1, (length) => new Uint8Array(length));
    this.#size = size;
  }
}
