import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import {
  checkRemoteFirstPage,
  localFirstPage,
  nextSchemaCookie,
  parseDatabaseHeader,
  remoteFirstPage,
  schemaCookieOf,
  syncedHeaderOf,
} from "../../src/sqlite-format/database-header.js";

function firstPage(pageSize = 4096): Uint8Array {
  const db = new Database(":memory:");
  db.pragma(`page_size = ${pageSize}`);
  db.exec("CREATE TABLE t (x); CREATE TABLE u (x)");
  const bytes = new Uint8Array(db.serialize());
  db.close();
  return bytes.slice(0, pageSize);
}

describe("a database header", () => {
  it("is read", () => {
    expect(parseDatabaseHeader(firstPage())).toMatchObject({
      pageSize: 4096,
      writeVersion: 1,
      readVersion: 1,
      reservedBytes: 0,
      databaseSize: 3,
      schemaCookie: 2,
    });
    expect(parseDatabaseHeader(firstPage(65_536))?.pageSize).toBe(65_536);
    expect(parseDatabaseHeader(firstPage().subarray(0, 99))).toBeUndefined();
    expect(parseDatabaseHeader(new Uint8Array(4096))).toBeUndefined();
  });

  it("tells no size that a writer did not keep up", () => {
    const page = firstPage();
    page[95] = (page[95] as number) + 1;
    expect(parseDatabaseHeader(page)?.databaseSize).toBeUndefined();
  });

  it("is patched for the replica and back", () => {
    const page = firstPage();
    const local = localFirstPage(page, 0xdeadbeef);
    expect(parseDatabaseHeader(local)).toMatchObject({
      writeVersion: 2,
      readVersion: 2,
      schemaCookie: 0xdeadbeef,
    });
    expect(schemaCookieOf(localFirstPage(page))).toBe(2);
    expect(remoteFirstPage(local, syncedHeaderOf(page))).toEqual(page);
  });

  it("is refused from a remote when it cannot be one of a replica", () => {
    const changed = (offset: number, value: number): Uint8Array => {
      const page = firstPage();
      page[offset] = value;
      return page;
    };
    const refusal = expect.objectContaining({ code: "invalid-page-stream" });
    expect(() => checkRemoteFirstPage(firstPage(), 3)).not.toThrow();
    expect(() => checkRemoteFirstPage(firstPage(), 9)).not.toThrow();
    expect(() => checkRemoteFirstPage(firstPage(), 2)).toThrow(refusal);
    expect(() => checkRemoteFirstPage(firstPage(8192))).toThrow(refusal);
    expect(() => checkRemoteFirstPage(changed(0, 0))).toThrow(refusal);
    expect(() => checkRemoteFirstPage(changed(18, 3))).toThrow(refusal);
  });

  it.each([
    [3, 9, 10],
    [9, 3, 10],
    [0xffff_ffff, 3, 0],
    [3, 0xffff_ffff, 4],
    [0, 0, 1],
  ])("gets a new cookie after %i here and %i there", (local, remote, next) => {
    expect(nextSchemaCookie(local, remote)).toBe(next);
  });
});
