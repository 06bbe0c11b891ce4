import { describe, expect, test } from "vitest";
import { type LibsqlOption, libsqlOptionsOf } from "../src/libsql-options.js";
import { resolveServerOptions } from "../src/sync-server-options.js";

const DEFAULTS = { offline: "merge", probe: "offline" };

function resolve(libsql?: unknown) {
  return resolveServerOptions({
    path: "x.db",
    ...(libsql !== undefined && { libsql: libsql as LibsqlOption }),
  });
}

describe("how libSQL's clients are served", () => {
  test("has defaults", () => {
    expect(libsqlOptionsOf(resolve(), "acme")).toEqual(DEFAULTS);
    expect(libsqlOptionsOf(resolve({}), "acme")).toEqual(DEFAULTS);
    expect(libsqlOptionsOf(resolve({ offline: undefined, probe: undefined }), "acme")).toEqual(DEFAULTS);
    expect(libsqlOptionsOf(resolve({ offline: "strict" }), "acme")).toEqual({
      ...DEFAULTS,
      offline: "strict",
    });
  });

  test("is told by database", () => {
    const options = resolve((name: string) => (name === "acme" ? { probe: "embedded" } : {}));
    expect(libsqlOptionsOf(options, "acme")).toEqual({ ...DEFAULTS, probe: "embedded" });
    expect(libsqlOptionsOf(options, "globex")).toEqual(DEFAULTS);
  });

  test.each<[unknown, string]>([
    ["strict", "libsql must be an object, or a function"],
    [null, "libsql must be an object, or a function"],
    [[], "libsql must be an object, or a function"],
    [{ offline: "yes" }, 'libsql.offline must be "merge" or "strict"'],
    [{ probe: true }, 'libsql.probe must be "offline" or "embedded"'],
    [{ mode: "merge" }, "libsql may have offline, probe and nothing else"],
    [{ constructor: "merge" }, "libsql may have offline, probe and nothing else"],
  ])("cannot be %j", (value, mistake) => {
    const refusal = expect.objectContaining({
      code: "invalid-option",
      message: expect.stringContaining(mistake),
    });
    expect(() => resolve(value)).toThrow(refusal);
    const option = resolve(() => value);
    expect(() => libsqlOptionsOf(option, "acme")).toThrow(refusal);
  });

  test("has limits of offline replicas", () => {
    expect(resolve()).toMatchObject({
      maxOfflineReplicas: 1_000,
      offlineReplicaRetentionMs: 30 * 24 * 3_600_000,
    });
    for (const name of ["maxOfflineReplicas", "offlineReplicaRetentionMs"]) {
      expect(() => resolveServerOptions({ path: "x.db", [name]: -1 })).toThrow(`${name} must be a number`);
    }
  });
});
