import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { TableShape } from "../../src/capture/table-shape.js";
import { SyncError } from "../../src/errors/sync-error.js";
import { decodeChangePackage, encodeChangePackage } from "../../src/streams/package-binary.js";
import { parseChangePackage, stringifyChangePackage } from "../../src/streams/package-json.js";
import { schemaHashOf } from "../../src/streams/schema-hash.js";
import { readAsStranger } from "./package-stranger.js";

interface PackageVector {
  readonly name: string;
  readonly json: object;
  /** Hexadecimal. */
  readonly binary: string;
}

interface DamagedVector {
  readonly name: string;
  readonly checksumHolds?: true;
  readonly json?: object;
  readonly binary?: string;
}

interface HashVector {
  readonly name: string;
  readonly tables: readonly {
    readonly name: string;
    readonly columns: readonly string[];
    readonly rowid?: string;
    readonly key?: readonly string[];
    readonly keyMayBeNull?: boolean;
  }[];
  readonly hash: number;
}

/** What is said of each damaged package: that it is refused for its own mistake and not for another. */
const REASONS: Readonly<Record<string, RegExp>> = {
  empty: /begin as one/,
  magic: /begin as one/,
  version: /of version 2.*newer/,
  "version-zero": /of version 0/,
  checksum: /checksum/,
  "cut-off": /begin as one|checksum/,
  flags: /flags 9/,
  "last-part": /flags 5/,
  epoch: /epoch 0/,
  "snapshot-window": /begins at 1/,
  window: /window from 1/,
  "long-number": /longer than it needs/,
  "large-number": /more than 53 bits/,
  trailing: /goes on for 1 bytes/,
  "group-count": /counts 100/,
  "huge-count": /counts 4503599627370496/,
  "huge-text": /counts 4503599627370496/,
  "unknown-site": /names a site 2/,
  "site-twice": /a site twice/,
  "unknown-table": /names a table 1/,
  "table-twice": /a table twice/,
  "column-twice": /names a column of a table twice/,
  "key-kind": /unknown kind 3/,
  "key-empty": /empty key/,
  "key-column": /key of a column that is not there/,
  "key-twice": /key column of a table twice/,
  "rowid-column": /where its rowid is/,
  "schema-of-table": /schema change of a table/,
  "value-kind": /value of the unknown kind 5/,
  nan: /no number/,
  "utf-8": /no UTF-8/,
  surrogate: /no UTF-8/,
  "long-integer": /longer than it needs/,
  "large-integer": /more than 64 bits/,
  "short-row": /ends in the middle/,
  "update-bits": /column that is not there/,
  "update-same": /what it was before/,
  "json-format": /does not say/,
  "json-version": /of version 2.*newer/,
  "json-field": /unknown field/,
  "json-missing": /"site" is no text/,
  "json-type": /"epoch" is no number/,
  "json-fraction": /window from 0.5/,
  "json-checksum": /checksum/,
  "json-content": /checksum/,
  "json-number": /neither null/,
  "json-integer": /none of 64 bits/,
  "json-integer-form": /none of 64 bits/,
  "json-real": /no number of 64 bits/,
  "json-blob": /neither null/,
  "json-two-types": /neither null/,
  "json-surrogate": /lone surrogate/,
  "json-row": /row of 2 values/,
  "json-column": /column that is not there/,
  "json-same": /what it was before/,
  "json-table": /names a table 1/,
  "json-unused-table": /no change names/,
  "json-table-twice": /a table twice/,
  "json-two-keys": /a rowid and a key/,
  "json-change": /unknown type/,
  "json-withheld": /is left out and is not/,
};

function vectors<T>(name: string): readonly T[] {
  const file = new URL(`../../../../docs/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as T[];
}

function refusalOf(read: () => unknown): SyncError {
  try {
    read();
  } catch (error) {
    if (error instanceof SyncError) return error;
    throw error;
  }
  throw new Error("It was read.");
}

describe("vectors of packages", () => {
  const packages = vectors<PackageVector>("change-packages");

  it.each(packages)("$name: both forms are one package", ({ json, binary }) => {
    const parsed = parseChangePackage(JSON.stringify(json));
    expect(Buffer.from(encodeChangePackage(parsed)).toString("hex")).toBe(binary);
    const decoded = decodeChangePackage(Buffer.from(binary, "hex"));
    expect(decoded).toEqual(parsed);
    expect(JSON.parse(stringifyChangePackage(decoded))).toEqual(json);
  });

  it.each(packages)("$name: a reader that knows the document only reads it", ({ json, binary }) => {
    expect(readAsStranger(Buffer.from(binary, "hex"))).toEqual(json);
  });
});

it("the document takes a vector apart", () => {
  const text = readFileSync(new URL("../../../../docs/WIRE_FORMAT.md", import.meta.url), "utf8");
  const example = text.split("### An example")[1]?.split("###")[0] ?? "";
  const bytes = [...example.matchAll(/^\| `([0-9a-f ]+)` \|/gm)].map(([, hex = ""]) =>
    hex.replaceAll(" ", ""),
  );
  const vector = vectors<PackageVector>("change-packages").find(({ name }) => name === "insert");
  expect(bytes.join("")).toBe(vector?.binary);
});

describe("vectors of damaged packages", () => {
  const damaged = vectors<DamagedVector>("damaged-packages");

  it("are those of which the reason is known here", () => {
    expect(damaged.map(({ name }) => name)).toEqual(Object.keys(REASONS));
  });

  it.each(damaged)("$name", ({ name, checksumHolds, json, binary }) => {
    if (binary !== undefined) {
      const bytes = Buffer.from(binary, "hex");
      const holds = bytes.length > 4 && crc32(bytes.subarray(0, -4)) === bytes.readUInt32LE(bytes.length - 4);
      expect(holds).toBe(checksumHolds === true);
    }
    const error = refusalOf(() =>
      binary === undefined
        ? parseChangePackage(JSON.stringify(json))
        : decodeChangePackage(Buffer.from(binary, "hex")),
    );
    expect(error.code).toBe("damaged-package");
    expect(error.message).toMatch(REASONS[name] as RegExp);
  });
});

describe("vectors of schema hashes", () => {
  it.each(vectors<HashVector>("schema-hashes"))("$name", ({ tables, hash }) => {
    const shapes = tables.map(({ name: table, columns, rowid, key = [], keyMayBeNull }): TableShape => {
      if (rowid !== undefined) return { table, columns, key: { type: "rowid", alias: rowid } };
      return { table, columns, key: { type: "columns", columns: key, nullable: keyMayBeNull === true } };
    });
    expect(schemaHashOf(shapes)).toBe(hash);
    expect(schemaHashOf(shapes.toReversed())).toBe(hash);
  });

  it("is another for another name, column or key", () => {
    const shape: TableShape = {
      table: "t",
      columns: ["a", "b"],
      key: { type: "columns", columns: ["a"], nullable: false },
    };
    const others: TableShape[] = [
      { ...shape, table: "u" },
      { ...shape, columns: ["a", "c"] },
      { ...shape, columns: ["a"] },
      { ...shape, key: { type: "columns", columns: ["b"], nullable: false } },
      { ...shape, key: { type: "columns", columns: ["a"], nullable: true } },
      { ...shape, key: { type: "rowid", alias: "rowid" } },
    ];
    const hashes = new Set([shape, ...others].map((one) => schemaHashOf([one])));
    expect(hashes.size).toBe(1 + others.length);
  });
});
