import { listPeers, trimTape } from "@tributary/core";
import { describe, expect, it } from "vitest";
import { copyOf, openStreamDatabase, pump, type StreamDatabase } from "../support/stream-database.js";
import { codeOf, ITEM_SCHEMA, insert, items, pair } from "../support/stream-items.js";

describe("large transactions", () => {
  it("applies one as a whole, with its last part, and resumes in the middle of it", () => {
    const { a, b } = pair();
    const outbound = a.outbound({ to: "b", since: "start", maxBytes: 50_000 });
    let inbound = b.inbound({ from: a.site });
    pump(outbound, inbound);
    a.db.transaction(() => {
      for (let id = 0; id < 5_000; id++) insert(a, id, "x".repeat(50));
    })();
    let target = b;
    let parts = 0;
    for (let made = outbound.next(); made !== undefined; made = outbound.next(), parts++) {
      expect((made.payload as Uint8Array).length).toBeLessThan(100_000);
      const applied = inbound.apply(made.payload);
      expect(applied.status).toBe(made.endsTransaction ? "applied" : "parked");
      expect(applied.cursor).toBe(made.to);
      made.ack();
      expect(target.rows("SELECT count(*) FROM item")).toEqual([[made.endsTransaction ? 5_000n : 0n]]);
      if (parts === 3) {
        target = target.crash();
        inbound = target.inbound({ from: a.site });
        outbound.resume(inbound.position);
      }
    }
    expect(parts).toBeGreaterThan(5);
    expect(target.rows("SELECT count(*) FROM tributary_stream_part")).toEqual([[0n]]);
    // And so does whoever gets it from there.
    const c = openStreamDatabase({ name: "c" });
    const forward = target.outbound({ since: "start", maxBytes: 100_000 });
    const end = c.inbound({ from: target.site });
    const ends: boolean[] = [];
    for (let made = forward.next(); made !== undefined; made = forward.next()) {
      ends.push(made.endsTransaction);
      end.apply(made.payload);
      const [[count]] = c.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'item'") as [[bigint]];
      if (count === 1n) expect([0n, 5_000n]).toContain(c.rows("SELECT count(*) FROM item")[0]?.[0]);
    }
    expect(ends.filter((each) => !each).length).toBeGreaterThan(1);
    expect(c.rows("SELECT count(*) FROM item")).toEqual([[5_000n]]);
  });

  it("applies parts as they come where that is wanted", () => {
    const { a, b } = pair();
    a.db.transaction(() => {
      for (let id = 0; id < 1_000; id++) insert(a, id);
    })();
    const outbound = a.outbound({ since: "start", maxBytes: 2_000 });
    const inbound = b.inbound({ from: a.site, applyParts: true });
    inbound.apply(outbound.next()?.payload ?? "");
    const made = outbound.next();
    expect(made?.endsTransaction).toBe(false);
    expect(inbound.apply(made?.payload ?? "")).toMatchObject({ status: "applied", sameSchema: undefined });
    expect(items(b).length).toBeGreaterThan(10);
    pump(outbound, inbound);
    expect(items(b)).toEqual(items(a));
    expect(b.rows("SELECT cursor FROM tributary_stream_seen")).toEqual([[BigInt(outbound.position.sent)]]);
  });
});

describe("snapshots", () => {
  const schema = `${ITEM_SCHEMA}; CREATE TABLE pair (x TEXT COLLATE NOCASE, y, PRIMARY KEY (x, y)) WITHOUT ROWID; CREATE TABLE log (line);
CREATE TABLE loose (k TEXT PRIMARY KEY, v); CREATE INDEX by_name ON item (name); CREATE VIEW names AS SELECT name FROM item;
CREATE VIRTUAL TABLE search USING fts5 (name, content='item', content_rowid='id');
CREATE TRIGGER counted AFTER INSERT ON item BEGIN INSERT INTO log VALUES ('item ' || NEW.id); END;
CREATE TRIGGER found AFTER INSERT ON item BEGIN INSERT INTO search (rowid, name) VALUES (NEW.id, NEW.name); END;
PRAGMA user_version = 7`;
  const queries = [
    "SELECT * FROM item ORDER BY id",
    "SELECT * FROM pair ORDER BY x, y",
    "SELECT rowid, * FROM log ORDER BY rowid",
    "SELECT * FROM loose ORDER BY v",
    "SELECT rowid FROM search ('item') ORDER BY rowid",
    "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'tributary%' ORDER BY type, name",
    "PRAGMA user_version",
  ];
  const contentOf = (database: StreamDatabase): unknown => queries.map((query) => database.rows(query));

  function fill({ db }: StreamDatabase): void {
    for (let id = 0; id < 300; id++) {
      db.prepare("INSERT INTO item VALUES (?, ?, ?)").run(id, `item ${id}`, Buffer.alloc(id));
      db.prepare("INSERT INTO pair VALUES (?, ?)").run(`Key ${id % 10}`, id);
      db.prepare("INSERT INTO loose VALUES (?, ?)").run(id % 3 === 0 ? null : `k${id}`, id);
    }
  }

  it("begins with one by default, in parts, one of which can be lost, and goes on with changes", () => {
    const a = openStreamDatabase({ name: "a", schema });
    fill(a);
    const b = openStreamDatabase({ name: "b" });
    const outbound = a.outbound({ to: "b", maxBytes: 5_000 });
    const inbound = b.inbound({ from: a.site });
    outbound.resume(inbound.position);
    const first = outbound.next();
    expect(inbound.apply(first?.payload ?? "").status).toBe("parked");
    first?.ack();
    // Changes made meanwhile come after it.
    insert(a, 1_000);
    const lost = outbound.next();
    const late = outbound.next();
    expect(codeOf(() => inbound.apply(late?.payload ?? ""))).toBe("stream-gap");
    late?.nack();
    const again = outbound.next();
    expect(again?.payload).toEqual(lost?.payload);
    expect(inbound.apply(first?.payload ?? "").status).toBe("repeat");
    inbound.apply(again?.payload ?? "");
    expect(b.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'item'")).toEqual([[0n]]);
    expect(listPeers(a.host)).toMatchObject([{ name: "b", acknowledged: 0, sent: 0 }]);
    pump(outbound, inbound);
    expect(contentOf(b)).toEqual(contentOf(a));
    expect(inbound.position).toEqual({ epoch: outbound.position.epoch, cursor: outbound.position.sent });
    expect(listPeers(a.host)).toMatchObject([{ acknowledged: outbound.position.sent }]);
  });

  it("begins anew when its sender was restarted, or the receiver has lost the parts", () => {
    const a = openStreamDatabase({ name: "a", schema });
    fill(a);
    const b = openStreamDatabase({ name: "b" });
    const first = a.outbound({ to: "b", maxBytes: 5_000 });
    const inbound = b.inbound({ from: a.site });
    for (let part = 0; part < 3; part++) {
      const made = first.next();
      inbound.apply(made?.payload ?? "");
      made?.ack();
    }
    first.close();
    const second = a.crash().outbound({ to: "b", maxBytes: 3_000 });
    const made = second.next();
    expect(inbound.apply(made?.payload ?? "").status).toBe("parked");
    made?.ack();
    const c = openStreamDatabase({ name: "c" });
    const other = c.inbound({ from: a.site });
    expect(codeOf(() => other.apply(second.next()?.payload ?? ""))).toBe("stream-gap");
    second.resume(other.position);
    expect(codeOf(() => other.apply(second.next()?.payload ?? ""))).toBe("stream-gap");
    second.resume(other.position);
    pump(second, other);
    expect(contentOf(c)).toEqual(contentOf(a));
  });

  it("adds and overwrites where there are rows, without doubling those that are the same", () => {
    const a = openStreamDatabase({ name: "a", schema: `${ITEM_SCHEMA}; CREATE TABLE log (line)` });
    const b = openStreamDatabase({ name: "b", schema: `${ITEM_SCHEMA}; CREATE TABLE log (line)` });
    for (const { db } of [a, b]) db.exec("INSERT INTO log VALUES ('same'), ('same')");
    insert(a, 1);
    b.db.exec("INSERT INTO item VALUES (1, 'b', 1), (2, 'b', 2)");
    pump(a.outbound(), b.inbound({ from: a.site }));
    expect(items(b)).toEqual([
      [1n, "item 1", null],
      [2n, "b", 2n],
    ]);
    expect(b.rows("SELECT count(*) FROM log")).toEqual([[2n]]);
  });
});

describe("what is kept", () => {
  const countOf = ({ rows }: StreamDatabase): number =>
    Number(rows("SELECT count(*) FROM tributary_tape")[0]?.[0]);

  it("is trimmed when every known receiver has acknowledged it, but for the newest row", () => {
    const { a, b } = pair();
    const one = a.outbound({ to: "one", since: "start" });
    const two = a.outbound({ to: "two", since: "start" });
    const inbound = b.inbound({ from: a.site });
    for (let id = 0; id < 50; id++) insert(a, id);
    pump(one, inbound);
    expect(countOf(a)).toBe(51);
    two.next()?.ack();
    expect(countOf(a)).toBe(1);
    // Ids go on, also over a restart.
    a.close();
    const again = openStreamDatabase({ path: a.path });
    insert(again, 100);
    expect(again.outbound({ to: "one" }).next()).toMatchObject({ from: 51, to: 52 });
  });

  it("is bounded for receivers that do not come back, who are told and get a snapshot", () => {
    const a = openStreamDatabase({
      name: "a",
      schema: ITEM_SCHEMA,
      retention: { maxChanges: 20, maxAgeMs: 1_000 },
    });
    const b = openStreamDatabase({ name: "b" });
    const lost = a.outbound({ to: "lost", since: "start" });
    const inbound = b.inbound({ from: a.site });
    pump(lost, inbound);
    for (let id = 0; id < 30; id++) insert(a, id);
    trimTape(a.host);
    expect(countOf(a)).toBe(20);
    expect(listPeers(a.host)).toMatchObject([{ name: "lost", isBehind: true }]);
    expect(codeOf(() => lost.next())).toBe("stream-behind");
    expect(codeOf(() => lost.resume(inbound.position))).toBe("stream-behind");
    expect(codeOf(() => a.outbound({ to: "lost" }).next())).toBe("stream-behind");
    pump(a.outbound({ to: "lost", since: "snapshot" }), inbound);
    expect(items(b)).toEqual(items(a));
    expect(listPeers(a.host)).toMatchObject([{ isBehind: false }]);
    // One that is silent for too long keeps nothing any more.
    const busy = a.outbound({ to: "busy", since: "now" });
    a.time += 2_000;
    insert(a, 100);
    busy.next()?.ack();
    expect(listPeers(a.host)).toMatchObject([
      { name: "busy", isBehind: false },
      { name: "lost", isBehind: true },
    ]);
  });
});

describe("a database that was restored from a backup", () => {
  it.each(["closed", "open"])("made while it was %s is found out, and begins a new epoch", (kind) => {
    let { a, b } = pair();
    const inbound = b.inbound({ from: a.site });
    insert(a, 1);
    a.outbound({ to: "b", since: "start" });
    if (kind === "closed") a.close();
    const backup = copyOf(a.path);
    if (kind === "closed") a = openStreamDatabase({ path: a.path });
    insert(a, 2);
    pump(a.outbound({ to: "b" }), inbound);
    a.close();
    const restored = openStreamDatabase({ path: backup });
    const outbound = restored.outbound({ to: "b" });
    expect(codeOf(() => outbound.resume(inbound.position))).toBe("stream-restarted");
    expect(codeOf(() => outbound.next())).toBe("stream-restarted");
    insert(restored, 3);
    outbound.resume(undefined);
    pump(outbound, inbound);
    expect(items(b).map(([id]) => id)).toEqual([1n, 2n, 3n]);
    insert(restored, 4);
    pump(outbound, inbound);
    expect(items(b).map(([id]) => id)).toEqual([1n, 2n, 3n, 4n]);
    expect(inbound.position?.epoch).toBe(outbound.position.epoch);
  });
});
