import { describe, expect, test } from "vitest";
import { checkDatabaseName, isDatabaseName } from "../../src/addressing/database-name.js";
import { findAddress } from "../../src/addressing/find-address.js";
import { fromWebRequest } from "../../src/http/from-web-request.js";

const MANY = { dataDirectory: "/data" };
const WITH_DOMAIN = { dataDirectory: "/data", domain: "sync.example.com" };

function find(url: string, options: Parameters<typeof findAddress>[1]): ReturnType<typeof findAddress> {
  return findAddress(fromWebRequest(new Request(url)), options);
}

const INVALID = expect.objectContaining({ code: "invalid-name" });

describe("a name of a database", () => {
  test.each([
    "a",
    "0",
    "acme",
    "acme-2",
    "a_b",
    "xn--bcher-kva",
    "a".repeat(63),
    "console2",
    "com10",
    "nul-1",
    "v4",
    "default",
  ])("can be %s", (name) => {
    expect(checkDatabaseName(name)).toBe(name);
    expect(isDatabaseName(name)).toBe(true);
  });

  test.each([
    "",
    ".",
    "..",
    "-a",
    "_a",
    "A",
    "aCme",
    "a.b",
    "a/b",
    "a\\b",
    "a b",
    "a\0",
    "a\n",
    "é",
    "а", // Cyrillic
    "%61",
    "a%2f..",
    "~",
    "c:",
    "a".repeat(64),
    "a".repeat(1_000_000),
    "__proto__",
  ])("cannot be %j", (name) => {
    expect(isDatabaseName(name)).toBe(false);
    expect(() => checkDatabaseName(name)).toThrow(INVALID);
    expect(() => checkDatabaseName(name)).toThrow(/^[ -~…]{1,250}$/);
  });

  test.each([
    "admin",
    "v1",
    "v2",
    "v3",
    "v3-protobuf",
    "pull-updates",
    "health",
    "ready",
    "version",
    "metrics",
    "info",
    "export",
    "sync",
    "dev",
    "beta",
    "dump",
    "console",
    "device",
    "con",
    "prn",
    "aux",
    "nul",
    "com1",
    "lpt9",
  ])("cannot be %s, which is reserved", (name) => {
    expect(() => checkDatabaseName(name)).toThrow(/is reserved/);
    expect(() => checkDatabaseName(name)).toThrow(INVALID);
  });
});

describe("the address of a request", () => {
  test.each([
    ["http://h/acme/v2/pipeline", "acme", "/v2/pipeline"],
    ["http://h/acme", "acme", "/"],
    ["http://h/acme/", "acme", "/"],
    ["http://h/acme?x=/y", "acme", "/"],
    ["http://h/acme#/y", "acme", "/"],
    // What clients make of a URL that ends in a slash: for some it must, for others it must not.
    ["http://h/acme//v2", "acme", "/v2"],
    ["http://h/acme//v3/cursor", "acme", "/v3/cursor"],
    ["http://h/acme//pull-updates", "acme", "/pull-updates"],
    ["http://h/acme//info", "acme", "/info"],
    ["http://h/acme//sync/1/2/3", "acme", "/sync/1/2/3"],
    ["http://h/acme//export/1", "acme", "/export/1"],
    ["http://h/acme//wal_log.ReplicationLog/Hello", "acme", "/wal_log.ReplicationLog/Hello"],
    ["http://h/acme//proxy.Proxy/Execute", "acme", "/proxy.Proxy/Execute"],
    ["http://h/acme//information", "acme", "//information"],
    ["http://h/acme//admin/databases", "acme", "//admin/databases"],
    ["http://h/acme//other//v2", "acme", "//other//v2"],
    ["http://h/acme/admin/databases", "acme", "/admin/databases"],
    ["http://h/acme/a%2fb", "acme", "/a%2fb"],
    ["http://h/", undefined, "/"],
    ["http://h", undefined, "/"],
    ["http://h/v2/pipeline", undefined, "/v2/pipeline"],
    ["http://h/pull-updates", undefined, "/pull-updates"],
    ["http://h/admin/databases/acme", undefined, "/admin/databases/acme"],
    ["http://h/health", undefined, "/health"],
    ["http://h/info", undefined, "/info"],
    ["http://h/device/phone/info", undefined, "/device/phone/info"],
    ["http://h/wal_log.ReplicationLog/Hello", undefined, "/wal_log.ReplicationLog/Hello"],
    ["http://h/proxy.Proxy/Execute", undefined, "/proxy.Proxy/Execute"],
    // Dot segments are resolved by the URL, encoded or not: what is left is what counts.
    ["http://h/acme/../health", undefined, "/health"],
    ["http://h/acme/%2e%2E/beta2/v2", "beta2", "/v2"],
    ["http://h/../../etc", "etc", "/"],
    ["http://h/acme\\v2", "acme", "/v2"],
  ])("%s", (url, database, pathname) => {
    expect(find(url, MANY)).toEqual({ database, pathname });
  });

  test.each([
    "http://h//",
    "http://h//acme/v2",
    "http://h/Acme/v2",
    "http://h/%61cme",
    "http://h/acme%2f..%2f..",
    "http://h/..%2f..%2fetc/passwd",
    "http://h/acme%00/v2",
    "http://h/a.b/v2",
    "http://h/.hidden",
    "http://h/%E2%80%AE",
    "http://h/con/v2",
    `http://h/${"a".repeat(64)}/v2`,
  ])("%s names no database", (url) => {
    expect(() => find(url, MANY)).toThrow(INVALID);
  });

  test.each([
    ["http://acme.sync.example.com/v2/pipeline", "acme", "/v2/pipeline"],
    ["http://acme.sync.example.com", "acme", "/"],
    ["http://ACME.sync.EXAMPLE.com:8080/v2", "acme", "/v2"],
    ["https://acme.sync.example.com./v2", "acme", "/v2"],
    ["http://acme.sync.example.com/beta/v2", "acme", "/beta/v2"],
    // The path names it for every other host.
    ["http://sync.example.com/acme/v2", "acme", "/v2"],
    ["http://sync.example.com./acme/v2", "acme", "/v2"],
    ["http://evilsync.example.com/acme/v2", "acme", "/v2"],
    ["http://acme.sync.example.com.evil.test/beta2/v2", "beta2", "/v2"],
    ["http://127.0.0.1:8080/acme/v2", "acme", "/v2"],
    ["http://[::1]:8080/acme/v2", "acme", "/v2"],
  ])("%s, with a domain", (url, database, pathname) => {
    expect(find(url, WITH_DOMAIN)).toEqual({ database, pathname });
  });

  test.each([
    "http://a.b.sync.example.com/v2",
    "http://admin.sync.example.com/v2",
    "http://-a.sync.example.com/v2",
    "http://.sync.example.com/v2",
    "http://acme..sync.example.com/v2",
  ])("%s names no database, with a domain", (url) => {
    expect(() => find(url, WITH_DOMAIN)).toThrow(INVALID);
  });

  test.each(["http://h/v2/pipeline", "http://h/acme/v2", "http://h/A%2f", "http://acme.sync.example.com//x"])(
    "%s is for the only file there is",
    (url) => {
      const { pathname } = new URL(url);
      expect(find(url, { path: "x.db" })).toEqual({ database: "default", pathname });
    },
  );

  test("a file's URL may end in a slash", () => {
    const { pathname } = find("http://h//pull-updates", { path: "x.db" });
    expect(pathname).toBe("/pull-updates");
    expect(find("http://acme.sync.example.com//v2/pipeline", WITH_DOMAIN)).toEqual({
      database: "acme",
      pathname: "/v2/pipeline",
    });
  });
});

describe("the device of a request", () => {
  test.each([
    ["http://h/acme/device/phone/info", "phone", "/info"],
    ["http://h/acme/device/phone", "phone", "/"],
    ["http://h/acme/device/phone/", "phone", "/"],
    ["http://h/acme/device/phone/sync/1/2/130/baton", "phone", "/sync/1/2/130/baton"],
    ["http://h/acme/device/phone//export/7", "phone", "/export/7"],
    ["http://h/acme/device/phone/v3/pipeline", "phone", "/v3/pipeline"],
    ["http://h/acme//device/phone//v3/cursor", "phone", "/v3/cursor"],
    ["http://h/acme/device/phone/pull-updates?x=/device/other", "phone", "/pull-updates"],
    ["http://h/acme/device/A.b_c-9/info", "A.b_c-9", "/info"],
    [`http://h/acme/device/${"x".repeat(64)}/info`, "x".repeat(64), "/info"],
    ["http://h/acme/device/device/device/x", "device", "/device/x"],
    ["http://h/acme/devices/phone/info", undefined, "/devices/phone/info"],
    ["http://h/acme/info/device/phone", undefined, "/info/device/phone"],
    ["http://h/acme/device/phone/../../info", undefined, "/info"],
    ["http://h/acme/info", undefined, "/info"],
  ])("%s", (url, device, pathname) => {
    expect(find(url, MANY)).toEqual({ database: "acme", device, pathname });
  });

  test("is in the path where the host names the database, and where there is only one", () => {
    const found = { device: "phone", pathname: "/info" };
    const url = "http://acme.sync.example.com/device/phone/info";
    expect(find(url, WITH_DOMAIN)).toEqual({ database: "acme", ...found });
    expect(find(url, { path: "x.db" })).toEqual({ database: "default", ...found });
    const { pathname } = find("http://h//info", { path: "x.db" });
    expect(pathname).toBe("/info");
  });

  test.each([
    "http://h/acme/device",
    "http://h/acme/device/",
    "http://h/acme/device//info",
    "http://h/acme/device/%41/info",
    "http://h/acme/device/a%2Fb/info",
    "http://h/acme/device/a b/info",
    "http://h/acme/device/a:b/info",
    "http://h/acme/device/é/info",
    "http://h/acme/device/a%00/info",
    `http://h/acme/device/${"x".repeat(65)}/info`,
  ])("%s is refused", (url) => {
    expect(() => find(url, MANY)).toThrow(INVALID);
    expect(() => find(url, MANY)).toThrow(/a device is named as \/device\/<name>/);
  });
});
