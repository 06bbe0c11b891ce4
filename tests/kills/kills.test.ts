import { describe, test } from "vitest";
import { killBoth } from "./kinds/kill-both.js";
import { killDuringBootstrap } from "./kinds/kill-during-bootstrap.js";
import { killHolder } from "./kinds/kill-holder.js";
import { killReplicaAtWork, killReplicaClosing } from "./kinds/kill-replica.js";
import { killServer } from "./kinds/kill-server.js";
import { KILLS_TIMEOUT_MS, runKills } from "./support/kill-run.js";

// Processes ended with SIGKILL. That loses no page cache: what is shown is that a process may die anywhere, not that the
// machine may. At the same time, because most of the time a round waits for a process to start.
describe.concurrent("SIGKILL", { timeout: KILLS_TIMEOUT_MS }, () => {
  test("working: a replica loses nothing and doubles nothing", () => runKills("working", killReplicaAtWork));

  test("closing: a replica loses nothing and doubles nothing", () => runKills("closing", killReplicaClosing));

  test("bootstrap: the first download gets there in the end", () =>
    runKills("bootstrap", killDuringBootstrap));

  test("holder: a second process is refused at once, and let in right after", () =>
    runKills("holder", killHolder));

  test("server: what it acknowledged is there", () => runKills("server", killServer));

  test("both: what either acknowledged is there", () => runKills("both", killBoth));
});
