import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("the README's first replica runs, and keeps what it had", async () => {
  const remote = await startTributary();
  const example = new URL("../../examples/first-replica.mjs", import.meta.url).pathname;
  const args = [example, remote.url, join(temporaryDirectory(), "app.db")];
  await promisify(execFile)(process.execPath, args);
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout.match(/written offline/g)).toHaveLength(2);
  expect(await remote.query("SELECT count(*) FROM notes")).toEqual([[2n]]);
});
