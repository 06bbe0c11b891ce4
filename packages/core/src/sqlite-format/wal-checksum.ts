/** Whether this machine stores the high byte of a word first. */
export const HOST_BIG_ENDIAN: boolean = new Uint8Array(new Uint32Array([1]).buffer)[0] === 0;

/**
 * The checksum of SQLite's write-ahead log (https://www.sqlite.org/fileformat2.html#checksum_algorithm): two running
 * words over pairs of 32-bit words, in the order that the magic number of the log names. Every frame goes on where the
 * one before it ended.
 */
export class WalChecksum {
  first: number;
  second: number;
  readonly bigEndian: boolean;

  constructor(bigEndian: boolean, first = 0, second = 0) {
    this.bigEndian = bigEndian;
    this.first = first;
    this.second = second;
  }

  /** Adds `length` bytes from `offset`; a multiple of 8. */
  update(bytes: Uint8Array, offset = 0, length: number = bytes.length - offset): void {
    const words = alignedWords(bytes, offset, length);
    // Signed words: V8 keeps them in registers, unsigned ones above 2^31 become doubles. Addition is the same.
    let first = this.first | 0;
    let second = this.second | 0;
    if (this.bigEndian === HOST_BIG_ENDIAN) {
      for (let index = 0; index < words.length; index += 2) {
        first = (first + (words[index] as number) + second) | 0;
        second = (second + (words[index + 1] as number) + first) | 0;
      }
    } else {
      for (let index = 0; index < words.length; index += 2) {
        first = (first + swapped(words[index] as number) + second) | 0;
        second = (second + swapped(words[index + 1] as number) + first) | 0;
      }
    }
    this.first = first >>> 0;
    this.second = second >>> 0;
  }
}

/** A word view needs an address divisible by 4; copying what has none costs far less than reading it by bytes. */
function alignedWords(bytes: Uint8Array, offset: number, length: number): Int32Array {
  if (offset + length > bytes.length) throw new RangeError("The bytes to sum end before their length.");
  const start = bytes.byteOffset + offset;
  if (start % 4 === 0) return new Int32Array(bytes.buffer, start, length >>> 2);
  return new Int32Array(Uint8Array.from(bytes.subarray(offset, offset + length)).buffer, 0, length >>> 2);
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
