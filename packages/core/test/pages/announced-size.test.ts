import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createNodeStorage } from "../../../storage-node-fs/src/index.js";
import { runSync } from "../../src/coroutine/run-sync.js";
import { PageDownload } from "../../src/pages/page-download.js";
import { PageMap } from "../../src/pages/page-map.js";
import { rollbackPages } from "../../src/pages/publish-plan.js";
import type { EngineIo } from "../../src/ports/engine-io.js";
import type { SyncedPages } from "../../src/ports/replica-pages.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { SCHEMA } from "./support/item-table.js";
import { memoryPages } from "./support/memory-pages.js";
import { pagesOf, RemoteDatabase } from "./support/remote-database.js";
import { tempDirectory } from "./support/temp-directory.js";
import { TestReplica } from "./support/test-replica.js";

const MAX_PAGES = 2 ** 32 - 2;
const REFUSAL = expect.objectContaining({ code: "invalid-page-stream" });

/** Fails when a procedure takes memory or time by what a remote announced. */
function expectCheap(procedure: () => void): void {
  const before = process.memoryUsage().arrayBuffers;
  const start = performance.now();
  procedure();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  expect(performance.now() - start).toBeLessThan(2000);
}

describe("an absurd size that a remote announces costs nothing", () => {
  it("in a publish of what changed", () => {
    const base = new RemoteDatabase(SCHEMA).bytes();
    const replica = TestReplica.create(base);
    const changes = pagesOf(base, [1]);
    expectCheap(() => {
      expect(() => replica.locked(() => replica.pages.planPublish(changes, MAX_PAGES))).toThrow(REFUSAL);
    });
    replica.check();
  });

  it("when few pages are rolled back", () => {
    const synced: SyncedPages = {
      databaseSize: MAX_PAGES,
      header: undefined,
      watermark: undefined,
      revertId: undefined,
    };
    const remote = memoryPages(Uint32Array.of(MAX_PAGES, 3), new Uint8Array(0));
    expectCheap(() => {
      const pages = rollbackPages([3, 700, 4, MAX_PAGES], synced, remote, MAX_PAGES);
      expect([...pages]).toEqual([1, 4, 700]);
    });
  });

  it("in a whole download that brings little", () => {
    const ports = createNodeStorage() as unknown as EngineIo;
    const path = join(tempDirectory(), "replica.db-changes");
    const download = new PageDownload(path, MAX_PAGES);
    const batch = { pageIds: Uint32Array.of(0, MAX_PAGES - 1), bytes: new Uint8Array(2 * PAGE_SIZE) };
    expectCheap(() => {
      runSync(download.add(batch), ports);
      expect(() => runSync(download.checkComplete(true), ports)).toThrow(REFUSAL);
    });
    runSync(download.dispose(), ports);
  });
});

it("asking for the first missing page after each chunk of a large download stays cheap", () => {
  const map = new PageMap();
  expectCheap(() => {
    for (let from = 0; from < 1_000_000; from += 100) {
      map.addAll(
        Uint32Array.from({ length: 100 }, (_, index) => from + index),
        1_000_000,
      );
      expect(map.firstMissing(from + 100)).toBeUndefined();
    }
  });
  expect(map.firstMissing(1_000_001)).toBe(1_000_000);
  expect(map.firstMissing(5)).toBeUndefined();
});
