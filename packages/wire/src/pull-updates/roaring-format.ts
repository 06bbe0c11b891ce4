// The portable serialisation of 32-bit Roaring bitmaps: https://github.com/RoaringBitmap/RoaringFormatSpec. Written out
// here and not taken from roaring-wasm, because that keeps its bitmaps in memory that has to be freed by hand, is a
// CommonJS module that loads 170 kB of WebAssembly at import (in a browser only asynchronously), and cannot be handed junk
// unchecked; checking it is most of a decoder. All numbers are little-endian:
//
//   no runs    u32 12346, u32 count
//   with runs  u16 12347, u16 count - 1, a bit per container: 1 = runs
//   then       per container u16 key, u16 cardinality - 1
//   then       per container u32 offset from the start; with runs only where there are 4 containers or more
//   then       the containers: runs (u16 count, then u16 start, u16 length - 1 each), else up to 4096 values an array of
//              u16, else a bitmap of 8192 bytes

export const PLAIN_COOKIE = 12346;
export const RUN_COOKIE = 12347;
/** A bitmap with runs and fewer containers than this has no offsets. */
export const NO_OFFSETS_BELOW = 4;
/** Ids in one container: its key is the upper 16 bits of its ids. */
export const CONTAINER_SPAN = 65536;
export const MAX_CONTAINERS = 65536;
export const MAX_ARRAY_VALUES = 4096;
export const BITMAP_BYTES = 8192;
