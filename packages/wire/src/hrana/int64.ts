const DECIMAL = /^-?[0-9]{1,19}$/;
const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

/** Whether a text is an integer of SQLite: decimal, 64 bits, signed. */
export function isInt64Text(text: string): boolean {
  if (!DECIMAL.test(text)) return false;
  return text.length < 19 || isInt64(BigInt(text));
}

/** Whether an integer has 64 bits. */
export function isInt64(value: bigint): boolean {
  return value >= SMALLEST && value <= LARGEST;
}
