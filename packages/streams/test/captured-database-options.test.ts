import { expect, it } from "vitest";
import { type CapturedDatabaseOptions, openCapturedDatabase } from "../src/index.js";

it("names every option that cannot be", () => {
  const options = {
    path: ":memory:",
    name: "no spaces",
    retention: { maxChanges: 0, maxAgeMs: 1.5 },
    inbox: { rebase: 1, resolveConflict: "keep" },
    database: { synchronous: "MAYBE", busyTimeoutMs: -1, verbose: true },
    clock: {},
  };
  let message = "";
  try {
    openCapturedDatabase(options as unknown as CapturedDatabaseOptions);
  } catch (error) {
    expect(error).toMatchObject({ name: "SyncError", code: "invalid-option" });
    message = (error as Error).message;
  }
  for (const name of [
    "path",
    "name",
    "retention.maxChanges",
    "retention.maxAgeMs",
    "inbox.rebase",
    "inbox.resolveConflict",
    "database.synchronous",
    "database.busyTimeoutMs",
    "database.verbose",
    "clock.now",
    "clock.randomBytes",
  ]) {
    expect(message).toContain(`\`${name}\``);
  }
});

it.each([undefined, null, "path", {}, { path: "" }, { path: "x.db", retention: null }])(
  "refuses %j",
  (options) => {
    expect(() => openCapturedDatabase(options as unknown as CapturedDatabaseOptions)).toThrow(
      expect.objectContaining({ code: "invalid-option" }),
    );
  },
);

it("refuses a path whose directory does not exist", () => {
  expect(() => openCapturedDatabase({ path: "/nowhere/at/all/app.db" })).toThrow(
    expect.objectContaining({ code: "invalid-option" }),
  );
});
