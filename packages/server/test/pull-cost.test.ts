import { statSync } from "node:fs";
import { expect, test } from "vitest";
import type { ServerDatabase } from "../src/database/server-database.js";
import { fromWebRequest } from "../src/http/from-web-request.js";
import type { HttpRequest } from "../src/http/http-request.js";
import { toWebResponse } from "../src/http/to-web-response.js";
import { formatRevision } from "../src/pages/revision.js";
import { answerPullUpdates } from "../src/routes/pull-updates.js";
import type { RouteContext } from "../src/routes/route-context.js";
import { openDatabase } from "./support/open-database.js";
import { parseAnswer, pullRequest } from "./support/pull-client.js";
import { changePage, createPages } from "./support/run-sql.js";

const PAGES_PER_MIB = 256;

/** What it takes at best to answer a pull of one changed page, ms. */
async function costOfPull(database: ServerDatabase): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const clientRevision = formatRevision(database.log.current);
    changePage(database, 100 + round);
    const request = new Request("http://localhost/pull-updates", {
      method: "POST",
      body: pullRequest({ clientRevision }),
    });
    const start = performance.now();
    const answer = await answerPullUpdates(contextOf(database, fromWebRequest(request)));
    const bytes = new Uint8Array(await toWebResponse(answer).arrayBuffer());
    times.push(performance.now() - start);
    expect(parseAnswer(bytes).pages.size).toBe(1);
  }
  return Math.min(...times);
}

test("a pull of one page costs the same from 256 MiB as from 1 MiB, and so does a start with few changes", {
  timeout: 120_000,
}, async () => {
  const [small, large] = [openDatabase(), openDatabase()];
  createPages(small.database, PAGES_PER_MIB);
  createPages(large.database, 256 * PAGES_PER_MIB);
  const cost = await costOfPull(small.database);
  expect(await costOfPull(large.database)).toBeLessThan(5 * cost + 0.2);
  large.database.close();
  expect(statSync(large.path).size).toBeGreaterThan(256 * 2 ** 20);
  // Pages that were written together take one entry of the index.
  expect(statSync(`${large.path}-revisions`).size).toBeLessThan(10_000);
  const again = openDatabase({ path: large.path }).database;
  expect(await costOfPull(again)).toBeLessThan(5 * cost + 0.2);
});

/** As much of it as a pull looks at. */
function contextOf(database: ServerDatabase, request: HttpRequest): RouteContext {
  const nothing = (): void => {};
  const context: Pick<RouteContext, "request" | "lease" | "slot" | "bodyLimits" | "hold"> = {
    request,
    lease: { name: "default", database, onRemoved: undefined, release: nothing },
    slot: { park: nothing, unpark: nothing, leave: nothing },
    bodyLimits: { maxBytes: 1_000, stallTimeoutMs: 0, clock: database.clock },
    hold: () => nothing,
  };
  return context as RouteContext;
}
