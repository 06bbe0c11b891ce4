import { expect, test } from "vitest";
import { type KindValues, VALUE_KINDS } from "../../src/options/value-kinds.js";

function read(kind: keyof KindValues, raw: unknown): unknown {
  const { success, data } = VALUE_KINDS[kind].schema.safeParse(raw);
  return success ? data : "refused";
}

test.each([
  ["0", 0],
  ["1000", 1_000],
  [1_000, 1_000],
  ["5B", 5],
  ["1KB", 1_000],
  ["64KiB", 65_536],
  ["256 MiB", 268_435_456],
  ["1.5GiB", 1_610_612_736],
  ["16TiB", 16 * 2 ** 40],
])("the size %j", (text, bytes) => {
  expect(read("size", text)).toBe(bytes);
});

test.each(["", "-1", "1 parsec", "MiB", "1e3", "1mib", "9999999TiB", " 1", true, null, -1, 1.5, "1toString"])(
  "%j is no size",
  (text) => {
    expect(read("size", text)).toBe("refused");
  },
);

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["1.5s", 1_500],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["24d", 2_073_600_000],
  ["0", 0],
  [0, 0],
])("the time %j", (text, milliseconds) => {
  expect(read("time", text)).toBe(milliseconds);
});

test.each(["", "30", 30, "s", "5 minutes", "-1s", "1M", "25d"])("%j is no time", (text) => {
  expect(read("time", text)).toBe("refused");
});

test.each([
  [true, true],
  ["true", true],
  ["1", true],
  ["yes", true],
  [false, false],
  ["false", false],
  ["0", false],
  ["no", false],
  ["", "refused"],
  [1, "refused"],
])("the switch %j", (raw, value) => {
  expect(read("switch", raw)).toBe(value);
});

test.each(["https://a.example/", "a.example", "https://a.example/x", "", 5])("%j is no origin", (raw) => {
  expect(read("origins", raw)).toBe("refused");
});

test.each(["file", "directory"] as const)("a %s has a name", (kind) => {
  expect(read(kind, "app.db")).toBe("app.db");
  for (const raw of ["", " ", ":memory:", 5]) expect(read(kind, raw)).toBe("refused");
});

test("a period may be longer than a timer can wait", () => {
  expect(read("period", "30d")).toBe(30 * 86_400_000);
  expect(read("period", "0")).toBe(0);
  for (const raw of ["", "30", "-1d", "1y", 30]) expect(read("period", raw)).toBe("refused");
});

test.each([
  ["acme", ["acme"]],
  ["acme, globex", ["acme", "globex"]],
  [
    ["acme", "a,b"],
    ["acme", "a", "b"],
  ],
  ["", "refused"],
  ["Acme", "refused"],
  ["acme,", "refused"],
  ["a/b", "refused"],
  [[5], "refused"],
])("the databases %j", (raw, names) => {
  expect(read("databases", raw)).toEqual(names);
});
