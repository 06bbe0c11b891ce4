/** An open file of a branch. Positions and lengths in bytes. Everything throws errors of Node. */
export interface BranchFile {
  size(): number;
  /** Fills `target` from that position on, as far as the file goes. Returns how many bytes that were. */
  read(target: Uint8Array, position: number): number;
  write(bytes: Uint8Array, position: number): void;
  /** Cuts it, or makes it longer with zeros. */
  setSize(length: number): void;
  /** Brings what was written to the disk. */
  sync(): void;
  /** The same while other things go on. */
  syncMeanwhile(): Promise<void>;
  close(): void;
}

/**
 * What branches need of a file system: a seam, so that tests can stop at every step and lose what was not brought to the disk.
 * A name that was made, moved or removed is on the disk after `syncDirectory`.
 */
export interface BranchFiles {
  /** "read" and "write" (and read) need it to be there; "create" makes it, or empties it. */
  open(path: string, mode: "read" | "write" | "create"): BranchFile;
  /** Undefined: there is none. */
  readWhole(path: string): Uint8Array | undefined;
  /** Names in a directory; none where there is no directory. */
  list(path: string): readonly string[];
  /** Makes one unless it is there. */
  makeDirectory(path: string): void;
  /** Puts it in the place of what has that name. */
  rename(from: string, to: string): void;
  /** Removes a file, or a directory with all that is in it; does nothing where there is none. */
  remove(path: string): void;
  syncDirectory(path: string): void;
}
