import { createRandom, fingerprintOf, stopAtEveryRequest } from "@tributary/testkit";
import { expect, test } from "vitest";
import { checkCrashed } from "./support/check-crash.js";
import { PROCEDURES } from "./support/procedures.js";

/** What a crash does to the files: nothing (the process died), or a power cut takes what was not synced. */
const VARIANTS = ["as they are", "unsynced lost", "unsynced torn"] as const;

test.each(PROCEDURES)(
  "$name may be stopped anywhere",
  { timeout: 120_000 },
  async ({ prepare, failsWith }) => {
    const { host, remote, procedure, expected } = await prepare();
    const random = createRandom(7);
    // Most requests change no file, so most points are like the one before.
    const seen = new Set<string>();
    const { outcome, requests, points } = await stopAtEveryRequest(procedure(host), {
      ports: host.ports,
      directory: host.directory,
      pathOf: (file) => host.files.pathOf(file),
      async check(point) {
        for (const variant of VARIANTS) {
          if (variant !== "as they are" && host.files.unsynced === 0) continue;
          const copy = point.copy();
          if (variant === "unsynced lost") host.files.loseUnsynced(copy);
          if (variant === "unsynced torn") host.files.loseUnsynced(copy, random);
          const state = `${remote.revisions} ${fingerprintOf(copy)}`;
          if (seen.has(state)) continue;
          seen.add(state);
          const fork = remote.fork();
          try {
            await checkCrashed(copy, fork, expected, seen.size % 2 === 0 ? "push first" : "pull first");
          } catch (error) {
            throw new Error(`files ${variant}: ${String(error)}`, { cause: error });
          } finally {
            fork.close();
          }
        }
      },
    });
    if (failsWith === undefined) expect(outcome).toHaveProperty("value");
    else expect(outcome).toMatchObject({ error: { code: failsWith } });
    expect(points).toBeGreaterThan(requests);
  },
);
