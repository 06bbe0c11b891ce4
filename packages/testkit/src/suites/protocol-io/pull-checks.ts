import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import type { ProtocolIoContext } from "./protocol-io-context.js";
import { fileOf, pullAll, queryBytes } from "./pull-all.js";

/** Rows that take about a page each. */
const ROWS = 600;
const FILL = `INSERT INTO t (body) VALUES ${"(zeroblob(3500)),".repeat(ROWS).slice(0, -1)}`;

async function fill({ query }: ProtocolIoContext): Promise<void> {
  await query("CREATE TABLE t (id INTEGER PRIMARY KEY, body)");
  await query(FILL);
}

/** `startPull`, `receivePages` and `endPull`. */
export const pullChecks: readonly Check<ProtocolIoContext>[] = [
  {
    name: "a pull of everything brings every page once, and they are the database",
    async run(context) {
      await fill(context);
      const pulled = await pullAll(context.remote);
      ok(pulled.header.databaseSize > ROWS, "all pages are announced");
      equal(pulled.pages.size, pulled.header.databaseSize, "pages");
      ok(pulled.batches > 1, "they come in several batches");
      deepEqual(queryBytes(fileOf(pulled), "SELECT count(*), sum(length(body)) FROM t"), [
        [BigInt(ROWS), BigInt(ROWS * 3500)],
      ]);
    },
  },
  {
    name: "a pull of an empty database brings as many pages as it has",
    async run({ remote }) {
      const pulled = await pullAll(remote);
      equal(pulled.pages.size, pulled.header.databaseSize);
    },
  },
  {
    name: "a pull since a revision brings what has changed, and no more",
    async run(context) {
      const { remote, query } = context;
      await fill(context);
      const first = await pullAll(remote);
      await query("UPDATE t SET body = 'changed' WHERE id = 300");
      const second = await pullAll(remote, { clientRevision: first.header.revision });
      notEqual(second.header.revision, first.header.revision, "the revision");
      ok(second.pages.size > 0, "pages come");
      ok(second.pages.size <= 10, `few come, not ${second.pages.size}`);
      const changed = "SELECT count(*), sum(body = 'changed') FROM t";
      deepEqual(queryBytes(fileOf(first, second), changed), [[BigInt(ROWS), 1n]]);
      await query(FILL);
      const third = await pullAll(remote, { clientRevision: second.header.revision });
      ok(third.header.databaseSize > second.header.databaseSize, "the database has grown");
      deepEqual(queryBytes(fileOf(first, second, third), changed), [[BigInt(2 * ROWS), 1n]]);
      const both = await pullAll(remote, { clientRevision: first.header.revision });
      ok(
        Buffer.from(fileOf(first, both)).equals(fileOf(first, second, third)),
        "since the first revision, at once",
      );
    },
  },
  {
    name: "a pull since the latest revision brings nothing",
    async run(context) {
      const { remote } = context;
      await fill(context);
      const { header } = await pullAll(remote);
      const again = await pullAll(remote, { clientRevision: header.revision });
      deepEqual([again.pages.size, again.header], [0, header]);
    },
  },
  {
    name: "ranges of pages at a named revision make that revision, whatever was written since",
    async run(context) {
      const { remote, query } = context;
      await fill(context);
      const whole = await pullAll(remote);
      const { revision, databaseSize } = whole.header;
      await query("DELETE FROM t WHERE id % 2 = 0");
      await query("UPDATE t SET body = 'later'");
      const middle = Math.floor(databaseSize / 2);
      const parts = [];
      for (const pages of [
        { from: 0, to: 1 },
        { from: 1, to: middle },
        { from: middle, to: databaseSize + 1_000 },
      ]) {
        const part = await pullAll(remote, { serverRevision: revision, pages });
        deepEqual(part.header, whole.header, "the header");
        deepEqual(
          [...part.pages.keys()].filter((pageId) => pageId < pages.from || pageId >= pages.to),
          [],
          "page ids outside of the range",
        );
        equal(part.pages.size, Math.min(pages.to, databaseSize) - pages.from, "pages of the range");
        parts.push(part);
      }
      ok(Buffer.from(fileOf(whole)).equals(fileOf(...parts)), "together they are the revision");
    },
  },
  {
    name: "endPull may come before all pages, and twice; then comes another pull",
    async run(context) {
      const { remote } = context;
      await fill(context);
      const before = await remote.startPull({ longPollTimeoutMs: 0 });
      await remote.endPull(before.pull);
      await remote.endPull(before.pull);
      await expectFailure(() => remote.receivePages(before.pull), "receivePages of a pull that has ended");
      const within = await remote.startPull({ longPollTimeoutMs: 0 });
      ok(await remote.receivePages(within.pull), "pages");
      await remote.endPull(within.pull);
      await remote.endPull(within.pull);
      const pulled = await pullAll(remote);
      equal(pulled.pages.size, pulled.header.databaseSize);
      await context.query("INSERT INTO t (body) VALUES ('a pull that was ended holds nothing up')");
    },
  },
  {
    name: "a batch may run while a pull is open, which goes on undisturbed",
    async run(context) {
      const { remote } = context;
      await fill(context);
      const { pull, header } = await remote.startPull({ longPollTimeoutMs: 0 });
      let count = (await remote.receivePages(pull))?.pageIds.length ?? 0;
      const sql = "UPDATE t SET body = 'meanwhile'";
      await remote.runRemoteBatch({
        steps: [{ sql, params: [], condition: "always", wantRows: false }],
        repeatable: false,
      });
      for (let batch = await remote.receivePages(pull); batch; batch = await remote.receivePages(pull)) {
        count += batch.pageIds.length;
      }
      await remote.endPull(pull);
      equal(count, header.databaseSize);
    },
  },
];
