import { SyncError } from "@tributary/core";
import { expect, it } from "vitest";
import { toIoError } from "../src/to-io-error.js";

it.each([
  ["ENOSPC", "free space"],
  ["EACCES", "give it the right"],
  ["EROFS", "read-only"],
  ["EIO", "EIO: broken"],
])("says what to do about %s", (code, advice) => {
  const cause = Object.assign(new Error(`${code}: broken`), { code });
  const error = toIoError(cause, "/data/replica.db", "write");
  expect(error).toMatchObject({
    code: "io-failed",
    blame: "host",
    details: { path: "/data/replica.db" },
    cause,
  });
  expect(error.message).toMatch(/^Cannot write \/data\/replica\.db: /);
  expect(error.message).toContain(advice);
});

it("leaves errors that say it already", () => {
  const error = new SyncError("internal", "x");
  expect(toIoError(error, "/p", "read")).toBe(error);
});
