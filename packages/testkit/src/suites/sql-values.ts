import { deepEqual, ok } from "node:assert/strict";
import type { SqlValue } from "@tributary/core";

/** Values at the edges, with SQLite's name of their type. */
export const VALUES: readonly (readonly [SqlValue, string])[] = [
  [null, "null"],
  [0n, "integer"],
  [1n, "integer"],
  [-1n, "integer"],
  [2n ** 53n + 1n, "integer"],
  [2n ** 63n - 1n, "integer"],
  [-(2n ** 63n), "integer"],
  [1, "real"],
  [-0, "real"],
  [0.1, "real"],
  [-1.5e300, "real"],
  [5e-324, "real"],
  ["", "text"],
  ["text with 'quotes' and \"more\"", "text"],
  ["a\0b", "text"],
  ["Zürich 東京 🏔", "text"],
  [new Uint8Array(), "blob"],
  [new Uint8Array([0, 1, 127, 128, 255]), "blob"],
];

/** Fails where types differ too: 1 and 1.0, text and bytes. Bytes may come as a subclass of `Uint8Array`. */
export function expectSame(found: unknown, wanted: SqlValue): void {
  if (wanted instanceof Uint8Array) {
    ok(found instanceof Uint8Array, "bytes are a Uint8Array");
    deepEqual([...found], [...wanted]);
  } else
    ok(Object.is(found, wanted), `${typeof wanted} ${String(wanted)}, not ${typeof found} ${String(found)}`);
}
