import type { EngineIo, FileHandle } from "@tributary/core";

const HANDLE = 1 as FileHandle;

/** Ports with one file, whatever its path, whose content a test sets; for decoders that read through the file port. */
export interface MemoryFile {
  readonly ports: EngineIo;
  bytes: Uint8Array;
  /** Files opened and not closed. */
  open: number;
}

export function createMemoryFile(): MemoryFile {
  const file: MemoryFile = {
    bytes: new Uint8Array(0),
    open: 0,
    ports: {
      openFile(_path: string, mode: string) {
        if (mode === "replace") file.bytes = new Uint8Array(0);
        file.open++;
        return HANDLE;
      },
      readAt: (_file: FileHandle, offset: number, length: number) =>
        file.bytes.slice(offset, offset + length),
      writeAt(_file: FileHandle, offset: number, bytes: Uint8Array) {
        const grown = new Uint8Array(Math.max(file.bytes.length, offset + bytes.length));
        grown.set(file.bytes);
        grown.set(bytes, offset);
        file.bytes = grown;
      },
      fileSize: () => file.bytes.length,
      syncFile() {},
      closeFile() {
        file.open--;
      },
      randomBytes: (count: number) => new Uint8Array(count).fill(7),
      removeFile() {},
    } as unknown as EngineIo,
  };
  return file;
}
