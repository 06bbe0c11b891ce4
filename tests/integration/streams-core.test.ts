import { decodeChangePackage, listPeers } from "@tributary/core";
import { describe, expect, it } from "vitest";
import { openStreamDatabase, pump, type StreamDatabase } from "../support/stream-database.js";
import { codeOf, errorOf, ITEM_SCHEMA, insert, items, pair } from "../support/stream-items.js";

describe("a stream from one database to another", () => {
  it("carries rows and schema changes, and says whether the tables are the same", () => {
    const a = openStreamDatabase({ name: "a" });
    const b = openStreamDatabase({ name: "b" });
    const outbound = a.outbound({ to: b.site, since: "start" });
    const inbound = b.inbound({ from: a.site });
    a.db.exec(ITEM_SCHEMA);
    insert(a, 1);
    a.db.exec(
      "UPDATE item SET name = 'one'; DELETE FROM item WHERE id = 7; INSERT INTO item VALUES (2, 'two', NULL)",
    );
    const made = outbound.next();
    const applied = inbound.apply(made?.payload ?? "");
    made?.ack();
    expect(applied).toMatchObject({ status: "applied", cursor: made?.to, changes: 4, sameSchema: true });
    expect(outbound.next()).toBeUndefined();
    expect(items(b)).toEqual(items(a));
    b.db.exec("ALTER TABLE item ADD COLUMN more");
    insert(a, 3);
    expect(inbound.apply(outbound.next()?.payload ?? "").sameSchema).toBe(false);
    expect(b.rows("SELECT id, more FROM item WHERE id = 3")).toEqual([[3n, null]]);
  });

  it("keeps every value as it is, in both forms", () => {
    for (const encoding of ["binary", "json"] as const) {
      const { a, b } = pair();
      const outbound = a.outbound({ since: "start", encoding });
      const inbound = b.inbound({ from: a.site });
      const values = [
        1n,
        1,
        -0,
        2n ** 63n - 1n,
        -(2n ** 63n),
        Infinity,
        -Infinity,
        "ä\u0000b",
        Buffer.from([0, 255]),
        null,
      ];
      values.forEach((value, id) => {
        a.db.prepare("INSERT INTO item (id, value) VALUES (?, ?)").run(id, value);
      });
      pump(outbound, inbound);
      const query = "SELECT id, value, typeof(value), CAST(value AS TEXT) FROM item ORDER BY id";
      expect(b.rows(query)).toEqual(a.rows(query));
      expect(b.rows("SELECT count(*) FROM item WHERE typeof(value) = 'real'")).toEqual([[4n]]);
    }
  });

  it("goes on from the last acknowledgement, whatever crashed", () => {
    const { a, b } = pair();
    const outbound = a.outbound({ to: "b", since: "start" });
    const inbound = b.inbound({ from: a.site });
    insert(a, 1);
    const first = outbound.next();
    inbound.apply(first?.payload ?? "");
    // Both die between apply and acknowledgement.
    const a2 = a.crash();
    const b2 = b.crash();
    insert(a2, 2);
    const again = a2.outbound({ to: "b" });
    const inboundAgain = b2.inbound({ from: a.site });
    const repeated = again.next();
    expect(repeated?.from).toBe(first?.from);
    expect(inboundAgain.position).toEqual({ epoch: again.position.epoch, cursor: first?.to });
    expect(codeOf(() => inboundAgain.apply(repeated?.payload ?? ""))).toBe("stream-gap");
    again.resume(inboundAgain.position);
    pump(again, inboundAgain);
    expect(items(b2)).toEqual(items(a2));
    expect(listPeers(a2.host)).toMatchObject([
      { name: "b", acknowledged: again.position.sent, isBehind: false },
    ]);
  });

  it("takes a repeat as done, and refuses a gap with the cursor that it expects", () => {
    const { a, b } = pair();
    const outbound = a.outbound({ since: "start" });
    const inbound = b.inbound({ from: a.site });
    insert(a, 1);
    const one = outbound.next();
    insert(a, 2);
    const two = outbound.next();
    insert(a, 3);
    const three = outbound.next();
    const gap = errorOf(() => inbound.apply(two?.payload ?? ""));
    expect(gap).toMatchObject({ code: "stream-gap", details: { expectedCursor: 0 } });
    inbound.apply(one?.payload ?? "");
    expect(errorOf(() => inbound.apply(three?.payload ?? ""))?.details.expectedCursor).toBe(one?.to);
    expect(items(b)).toHaveLength(1);
    inbound.apply(two?.payload ?? "");
    b.db.exec("DELETE FROM item WHERE id = 1");
    expect(inbound.apply(one?.payload ?? "")).toMatchObject({
      status: "repeat",
      cursor: two?.to,
      changes: 0,
    });
    expect(inbound.apply(three?.payload ?? "").status).toBe("applied");
    expect(items(b).map(([id]) => id)).toEqual([2n, 3n]);
  });

  it("sends again what was refused, once", () => {
    const { a } = pair();
    const outbound = a.outbound({ since: "start" });
    insert(a, 1);
    const one = outbound.next();
    insert(a, 2);
    const two = outbound.next();
    one?.nack();
    const again = outbound.next();
    expect(again).toMatchObject({ from: one?.from, to: two?.to });
    // The refusal of what was given up already.
    two?.nack();
    expect(outbound.next()).toBeUndefined();
    one?.ack();
    again?.ack();
    one?.ack();
    expect(outbound.position).toMatchObject({ sent: two?.to, acknowledged: two?.to });
  });

  it("refuses what is damaged, of another sender, of another epoch, and what the tables have no place for", () => {
    const { a, b } = pair();
    const c = openStreamDatabase({ name: "c", schema: "CREATE TABLE other (x)" });
    const outbound = a.outbound({ since: "start" });
    insert(a, 1);
    const payload = outbound.next()?.payload as Uint8Array;
    const damaged = payload.slice();
    damaged[20] = (damaged[20] as number) ^ 1;
    expect(codeOf(() => b.inbound({ from: a.site }).apply(damaged))).toBe("damaged-package");
    expect(codeOf(() => b.inbound({ from: "x" }).apply(payload))).toBe("invalid-state");
    c.db.exec("CREATE TABLE item (number INTEGER PRIMARY KEY, name)");
    const inbound = c.inbound({ from: a.site });
    // The package makes the table, which is there with another key.
    expect(codeOf(() => inbound.apply(payload))).toBe("schema-mismatch");
    expect(inbound.position).toBeUndefined();
    c.db.exec("DROP TABLE item");
    expect(inbound.apply(payload)).toMatchObject({ status: "applied" });
  });

  it("waits for nobody: a database in the middle of a transaction is busy", () => {
    const { a, b } = pair();
    const outbound = a.outbound({ to: "b", since: "start" });
    const inbound = b.inbound({ from: a.site });
    insert(a, 1);
    const made = outbound.next();
    b.db.exec("BEGIN; INSERT INTO item (id) VALUES (9)");
    expect(codeOf(() => inbound.apply(made?.payload ?? ""))).toBe("database-busy");
    b.db.exec("ROLLBACK");
    inbound.apply(made?.payload ?? "");
    a.db.exec("BEGIN");
    expect(codeOf(() => made?.ack())).toBe("database-busy");
    expect(outbound.position.acknowledged).toBe(0);
    a.db.exec("COMMIT");
    made?.ack();
    expect(outbound.position.acknowledged).toBe(made?.to);
  });
});

describe("filters", () => {
  it("leaves out every excluded origin, says so, and goes on", () => {
    const hub = openStreamDatabase({ name: "hub", schema: ITEM_SCHEMA });
    const spokes = ["p", "q", "r"].map((name) => openStreamDatabase({ name, schema: ITEM_SCHEMA }));
    spokes.forEach((spoke, index) => {
      insert(spoke, index);
      pump(spoke.outbound({ since: "start" }), hub.inbound({ from: spoke.site }));
    });
    insert(hub, 9);
    const [p, q, r] = spokes.map(({ site }) => site);
    const outbound = hub.outbound({ since: "start", excludeOrigins: [p as string, q as string] });
    const change = decodeChangePackage(outbound.next()?.payload as Uint8Array);
    expect(change.groups.map(({ origin, isWithheld }) => [origin, isWithheld])).toEqual([
      [hub.site, false],
      [p, true],
      [q, true],
      [r, false],
      [r, false],
      [hub.site, false],
    ]);
    const own = hub.outbound({ since: "start", localOnly: true });
    const local = decodeChangePackage(own.next()?.payload as Uint8Array);
    expect(new Set(local.groups.map(({ origin }) => origin))).toEqual(new Set([hub.site]));
    // A window of nothing but what is left out still advances.
    insert(spokes[0] as StreamDatabase, 100);
    pump((spokes[0] as StreamDatabase).outbound({ since: 2 }), hub.inbound({ from: p as string }));
    expect(decodeChangePackage(own.next()?.payload as Uint8Array)).toMatchObject({ groups: [] });
    expect(own.next()).toBeUndefined();
  });
});

describe("several databases", () => {
  it("forwards along a chain, with the origin", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => openStreamDatabase({ name, schema: ITEM_SCHEMA })) as [
      StreamDatabase,
      StreamDatabase,
      StreamDatabase,
    ];
    const ab = [a.outbound({ since: "now" }), b.inbound({ from: a.site, since: 1 })] as const;
    const bc = [b.outbound({ since: "now" }), c.inbound({ from: b.site, since: 1 })] as const;
    insert(a, 1);
    pump(...ab);
    const made = bc[0].next();
    expect(decodeChangePackage(made?.payload as Uint8Array).groups).toMatchObject([
      { origin: a.site, originCursor: 2, isWithheld: false },
    ]);
    bc[1].apply(made?.payload ?? "");
    expect(items(c)).toEqual(items(a));
  });

  it("ends what goes round in a ring", () => {
    const all = ["a", "b", "c"].map((name) => openStreamDatabase({ name, schema: ITEM_SCHEMA }));
    for (const [index, site] of all.entries()) insert(site, index);
    const links = all.map((from, index) => {
      const to = all[(index + 1) % 3] as StreamDatabase;
      return [from.outbound({ since: "start" }), to.inbound({ from: from.site })] as const;
    });
    let rounds = 0;
    for (let moved = 1; moved > 0; rounds++) {
      expect(rounds).toBeLessThan(6);
      moved = 0;
      for (const link of links) moved += pump(...link);
    }
    for (const site of all) expect(items(site).map(([id]) => id)).toEqual([0n, 1n, 2n]);
  });

  it("go to and fro in a tree: nothing goes back to where it came from", () => {
    const all = ["a", "b", "c", "d"].map((name) => openStreamDatabase({ name, schema: ITEM_SCHEMA }));
    for (const [index, site] of all.entries()) insert(site, index);
    const [a, b, c, d] = all as [StreamDatabase, StreamDatabase, StreamDatabase, StreamDatabase];
    const link = (from: StreamDatabase, to: StreamDatabase) =>
      [from.outbound({ to: to.site, since: 0 }), to.inbound({ from: from.site })] as const;
    const links = [link(a, b), link(b, a), link(b, c), link(c, b), link(b, d), link(d, b)];
    const settle = (): number => {
      for (let rounds = 1; ; rounds++) {
        expect(rounds).toBeLessThan(6);
        if (links.reduce((moved, each) => moved + pump(...each), 0) === 0) return rounds;
      }
    };
    settle();
    for (const site of all) expect(items(site).map(([id]) => id)).toEqual([0n, 1n, 2n, 3n]);
    // A stale copy that came back would win over what was written since.
    a.db.exec("UPDATE item SET name = 'old'");
    pump(...(links[0] as (typeof links)[0]));
    pump(...(links[2] as (typeof links)[0]));
    b.db.exec("UPDATE item SET name = 'new'");
    settle();
    for (const site of [b, c, d]) expect(items(site)).toEqual(items(b));
  });

  it("have changes of a site from one sender only: a second way is refused before anything is lost or doubled", () => {
    const schema = "CREATE TABLE log (line TEXT)";
    const all = ["a", "b", "c", "d"].map((name) => openStreamDatabase({ name, schema }));
    const [a, b, c, d] = all as [StreamDatabase, StreamDatabase, StreamDatabase, StreamDatabase];
    const write = (line: string): void => void a.db.prepare("INSERT INTO log VALUES (?)").run(line);
    write("first");
    pump(a.outbound({ since: "start" }), b.inbound({ from: a.site }));
    const bd = [b.outbound({ since: "start" }), d.inbound({ from: b.site })] as const;
    // C has only what is new, and is faster.
    const ac = [a.outbound({ since: "now" }), c.inbound({ from: a.site, since: 2 })] as const;
    const cd = [c.outbound({ since: "start" }), d.inbound({ from: c.site })] as const;
    expect(ac[0].position.sent).toBe(2);
    write("second");
    pump(...ac);
    pump(...cd);
    expect(codeOf(() => pump(...bd))).toBe("invalid-state");
    expect(d.rows("SELECT line FROM log")).toEqual([["second"]]);
    // All that B has, and from now on what it gets.
    pump(b.outbound({ since: "snapshot" }), bd[1]);
    expect(d.rows("SELECT line FROM log ORDER BY line")).toEqual([["first"], ["second"]]);
    write("third");
    pump(...ac);
    expect(codeOf(() => pump(...cd))).toBe("invalid-state");
  });

  it("lets the last applied win, per column, the same everywhere", () => {
    const { a, b } = pair();
    insert(a, 1);
    const there = [a.outbound({ since: "start" }), b.inbound({ from: a.site })] as const;
    pump(...there);
    a.db.exec("UPDATE item SET name = 'a'");
    b.db.exec("UPDATE item SET name = 'b', value = 'b'");
    pump(...there);
    expect(items(b)).toEqual([[1n, "a", "b"]]);
  });

  it("asks the app where a row is not as it was", () => {
    const { a, b } = pair();
    for (const id of [1, 2, 3]) insert(a, id);
    pump(a.outbound({ since: "start" }), b.inbound({ from: a.site }));
    b.db.exec(
      "UPDATE item SET name = 'b' WHERE id = 1; DELETE FROM item WHERE id = 2; INSERT INTO item VALUES (4, 'b', 4)",
    );
    a.db.exec("UPDATE item SET name = 'a'; INSERT INTO item VALUES (4, 'a', 4), (5, 'a', 5)");
    const asked: unknown[] = [];
    const inbound = b.inbound({
      from: a.site,
      resolveConflict({ mutation, current, origin }) {
        asked.push([
          mutation.type,
          mutation.before?.name,
          mutation.after?.name,
          current?.name,
          origin === a.site,
        ]);
        if (mutation.type === "insert") return { operation: "skip" };
        if (current === undefined) return { operation: "keep" };
        const sql = "UPDATE item SET name = ? WHERE id = ?";
        return { operation: "rewrite", sql, params: ["both", mutation.after?.id ?? null] };
      },
    });
    const outbound = a.outbound({ since: "start" });
    outbound.resume(inbound.position);
    pump(outbound, inbound);
    expect(asked).toEqual([
      ["update", "item 1", "a", "b", true],
      ["update", "item 2", "a", undefined, true],
      ["insert", undefined, "a", "b", true],
    ]);
    expect(items(b).map(([id, name]) => [id, name])).toEqual([
      [1n, "both"],
      [3n, "a"],
      [4n, "b"],
      [5n, "a"],
    ]);
  });

  it("checks foreign keys at the end of a package only, and refuses it whole", () => {
    const schema =
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p (id))";
    const { a, b } = pair(schema);
    a.db.exec("PRAGMA foreign_keys = OFF; INSERT INTO c VALUES (1, 1); INSERT INTO p VALUES (1)");
    const inbound = b.inbound({ from: a.site });
    const outbound = a.outbound({ since: "start" });
    pump(outbound, inbound);
    expect(b.rows("SELECT * FROM c")).toEqual([[1n, 1n]]);
    a.db.exec("INSERT INTO c VALUES (2, 2)");
    const made = outbound.next();
    expect(codeOf(() => inbound.apply(made?.payload ?? ""))).toBe("replay-conflict");
    b.db.exec("INSERT INTO p VALUES (2)");
    inbound.apply(made?.payload ?? "");
    expect(b.rows("SELECT count(*) FROM c")).toEqual([[2n]]);
  });
});
