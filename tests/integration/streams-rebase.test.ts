import {
  decodeChangePackage,
  forgetPeer,
  type InboundStream,
  type OutboundStream,
  trimTape,
} from "@tributary/core";
import { createRandom, type SeededRandom } from "@tributary/testkit";
import { describe, expect, it } from "vitest";
import { openStreamDatabase, pump, type StreamDatabase } from "../support/stream-database.js";

const SCHEMA = `CREATE TABLE item (id INTEGER PRIMARY KEY, a, b);
CREATE TABLE loose (k TEXT PRIMARY KEY, a, b);
CREATE TABLE pair (x TEXT, y INTEGER, a, PRIMARY KEY (x, y)) WITHOUT ROWID`;
const TABLES = [
  "SELECT * FROM item ORDER BY id",
  "SELECT * FROM loose ORDER BY k, a, b",
  "SELECT * FROM pair ORDER BY x, y",
];

/** A hub and a spoke, connected both ways. */
class Spoke {
  readonly database: StreamDatabase;
  readonly up: readonly [OutboundStream, InboundStream];
  readonly down: readonly [OutboundStream, InboundStream];

  constructor(hub: StreamDatabase, name: string, maxBytes = 400) {
    this.database = openStreamDatabase({ name });
    const { site } = this.database;
    this.down = [
      hub.outbound({ to: site, excludeOrigins: [site], maxBytes }),
      this.database.inbound({ from: hub.site, rebase: true }),
    ];
    pump(...this.down);
    this.up = [
      this.database.outbound({ to: hub.site, since: 0, localOnly: true, maxBytes }),
      hub.inbound({ from: site }),
    ];
  }

  close(): void {
    this.database.close();
  }
}

const contentOf = (database: StreamDatabase): unknown => TABLES.map((table) => database.rows(table));

/** Sends one package, or loses it or its acknowledgement. */
function move([outbound, inbound]: readonly [OutboundStream, InboundStream], random: SeededRandom): void {
  const made = outbound.next();
  if (made === undefined) return;
  if (random.chance(0.1)) made.nack();
  else {
    inbound.apply(made.payload);
    if (random.chance(0.1)) outbound.resume(inbound.position);
    else made.ack();
  }
}

function write({ db }: StreamDatabase, random: SeededRandom): void {
  const id = random.below(5);
  const to = random.below(5);
  const value = random.below(1_000);
  const column = random.pick(["a", "b"]);
  const run = (sql: string, ...params: unknown[]): void => void db.prepare(sql).run(...params);
  const steps = [
    () => run("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", id, value, `b${value}`),
    () => run(`UPDATE item SET ${column} = ? WHERE id = ?`, value, id),
    () => run("DELETE FROM item WHERE id = ?", id),
    () => run("UPDATE OR REPLACE item SET id = ? WHERE id = ?", to, id),
    () =>
      run(
        "INSERT INTO loose VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET a = excluded.a",
        `k${id}`,
        value,
        value,
      ),
    () => run(`UPDATE loose SET ${column} = ? WHERE k = ?`, value, `k${id}`),
    () => run("DELETE FROM loose WHERE k = ?", `k${id}`),
    () => run("UPDATE OR REPLACE loose SET k = ? WHERE k = ?", `k${to}`, `k${id}`),
    () => run("INSERT OR REPLACE INTO pair VALUES (?, ?, ?)", `x${id % 2}`, to, value),
    () => run("UPDATE OR REPLACE pair SET y = ?, a = ? WHERE x = ? AND y = ?", to, value, `x${id % 2}`, id),
    () => run("DELETE FROM pair WHERE x = ? AND y = ?", `x${id % 2}`, to),
  ];
  if (random.chance(0.3)) {
    db.transaction(() => {
      for (let count = 1 + random.below(4); count > 0; count--) random.pick(steps)();
    })();
  } else random.pick(steps)();
}

function settle(spokes: readonly Spoke[]): void {
  for (let moved = 1; moved > 0; ) {
    moved = 0;
    for (const { up, down } of spokes) moved += pump(...up) + pump(...down);
  }
}

describe("a hub and its spokes", () => {
  it("come to the same, whatever the order, for 100 schedules", { timeout: 120_000 }, () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA });
    const spokes = ["p", "q"].map((name) => new Spoke(hub, name));
    for (let seed = 1; seed <= 100; seed++) {
      const random = createRandom(seed);
      for (let step = 0; step < 8; step++) {
        const spoke = random.pick(spokes);
        if (random.chance(0.5)) write(random.chance(0.15) ? hub : spoke.database, random);
        else move(random.pick([spoke.up, spoke.down]), random);
      }
      settle(spokes);
      const expected = contentOf(hub);
      for (const { database } of spokes) expect(contentOf(database), `seed ${seed}`).toEqual(expected);
    }
  });

  it("keep local changes on top while they are not heard of, and give them up to who comes later", () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA });
    hub.db.exec("INSERT INTO item VALUES (1, 'hub', 'hub')");
    const [p, q] = ["p", "q"].map((name) => new Spoke(hub, name)) as [Spoke, Spoke];
    p.database.db.exec("UPDATE item SET a = 'p'");
    q.database.db.exec("UPDATE item SET a = 'q', b = 'q'");
    pump(...q.up);
    pump(...p.down);
    expect(p.database.rows("SELECT * FROM item")).toEqual([[1n, "p", "q"]]);
    pump(...p.up);
    pump(...q.down);
    expect(q.database.rows("SELECT * FROM item")).toEqual([[1n, "p", "q"]]);
    // Making them again is not recorded.
    expect(p.database.rows("SELECT count(*) FROM tributary_tape WHERE op = 2")).toEqual([[2n]]);
  });

  it("are the same after a snapshot, with what is not heard of on top, and what is gone gone", () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA, retention: { maxChanges: 5 } });
    hub.db.exec(
      "INSERT INTO item VALUES (1, 'hub', 1), (2, 'hub', 2); INSERT INTO loose VALUES (NULL, 1, 1), (NULL, 1, 1)",
    );
    const p = new Spoke(hub, "p");
    p.database.db.exec("UPDATE item SET a = 'heard' WHERE id = 1; UPDATE item SET a = 'gone' WHERE id = 2");
    pump(...p.up);
    p.database.db.exec("UPDATE item SET b = 'p'; INSERT INTO item VALUES (3, 'p', 3)");
    hub.db.exec("DELETE FROM item WHERE id = 2; UPDATE item SET a = 'later'");
    for (let id = 10; id < 20; id++) hub.db.prepare("INSERT INTO item VALUES (?, 'hub', 0)").run(id);
    trimTape(hub.host);
    expect(() => p.down[0].next()).toThrow(expect.objectContaining({ code: "stream-behind" }));
    const { site } = p.database;
    const snapshot = hub.outbound({ to: site, since: "snapshot", excludeOrigins: [site], maxBytes: 300 });
    pump(snapshot, p.down[1]);
    expect(p.database.rows("SELECT * FROM item WHERE id < 5 ORDER BY id")).toEqual([
      [1n, "later", "p"],
      [3n, "p", 3n],
    ]);
    expect(p.database.rows("SELECT count(*) FROM loose")).toEqual([[2n]]);
    pump(...p.up);
    pump(snapshot, p.down[1]);
    expect(contentOf(p.database)).toEqual(contentOf(hub));
  });

  it("have the hub's columns after a snapshot, whatever changed meanwhile", () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA, retention: { maxChanges: 2 } });
    hub.db.exec("INSERT INTO item VALUES (1, 'hub', 1)");
    const p = new Spoke(hub, "p");
    p.database.db.exec("UPDATE item SET a = 'p'");
    hub.db.exec("ALTER TABLE item ADD COLUMN c DEFAULT 'c'; DROP TABLE loose; CREATE TABLE loose (k, extra)");
    hub.db.exec("INSERT INTO item VALUES (2, 'hub', 2, 'new'); INSERT INTO loose VALUES (1, 'x')");
    trimTape(hub.host);
    const { site } = p.database;
    const snapshot = hub.outbound({ to: site, since: "snapshot", excludeOrigins: [site] });
    pump(snapshot, p.down[1]);
    expect(p.database.rows("SELECT * FROM item ORDER BY id")).toEqual([
      [1n, "p", 1n, "c"],
      [2n, "hub", 2n, "new"],
    ]);
    pump(...p.up);
    pump(snapshot, p.down[1]);
    for (const table of ["item", "loose"]) {
      const rows = (database: StreamDatabase): unknown => database.rows(`SELECT * FROM ${table} ORDER BY 1`);
      expect(rows(p.database)).toEqual(rows(hub));
    }
  });

  it("are one hub and its spokes: a second hub is refused, and who would follow a spoke", () => {
    const [hub, other] = ["hub", "other"].map((name) => openStreamDatabase({ name, schema: SCHEMA })) as [
      StreamDatabase,
      StreamDatabase,
    ];
    const { database } = new Spoke(hub, "p");
    const refused = expect.objectContaining({ code: "invalid-state" });
    expect(() => database.inbound({ from: other.site, rebase: true })).toThrow(refused);
    expect(() => database.outbound({ to: other.site })).toThrow(refused);
    expect(() => database.crash().outbound({ to: other.site, since: "now" })).toThrow(refused);
    other.outbound({ to: "somebody", since: "now" });
    expect(() => other.inbound({ from: hub.site, rebase: true })).toThrow(refused);
    forgetPeer(other.host, "somebody");
    const late = other.outbound({ to: "somebody" });
    other.inbound({ from: hub.site, rebase: true });
    expect(() => late.next()).toThrow(refused);
  });

  it("give the hub what they have done, not their rows: those may be older than what the hub has", () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA });
    hub.db.exec("INSERT INTO item VALUES (1, 'hub', 1), (2, 'hub', 2), (3, 'hub', 3)");
    const spoke = openStreamDatabase({ name: "p" });
    const { site } = spoke;
    const inbound = spoke.inbound({ from: hub.site, rebase: true });
    const down = hub.outbound({ to: site, excludeOrigins: [site] });
    pump(down, inbound);
    // As a link does it: of what the hub has of the spoke nothing is said.
    const up = spoke.outbound({ to: hub.site });
    const heard = hub.inbound({ from: site });
    up.resume(heard.position);
    hub.db.exec("DELETE FROM item WHERE id = 1; UPDATE item SET a = 'newer' WHERE id = 2");
    spoke.db.exec("DELETE FROM item WHERE id = 3; INSERT INTO item VALUES (4, 'p', 4)");
    pump(up, heard);
    pump(down, inbound);
    const rows = [
      [2n, "newer", 2n],
      [4n, "p", 4n],
    ];
    for (const database of [hub, spoke]) expect(database.rows("SELECT * FROM item")).toEqual(rows);
    // A hub that has lost all of it, say.
    const again = openStreamDatabase({ name: "again", schema: SCHEMA });
    const anew = spoke.outbound({ to: hub.site, since: "snapshot" });
    const made = anew.next();
    expect(decodeChangePackage(made?.payload as Uint8Array).groups).toMatchObject([{ changes: [] }]);
    again.inbound({ from: site }).apply(made?.payload ?? "");
    expect(again.rows("SELECT * FROM item")).toEqual([]);
  });

  it("keep what the hub was not heard to have, whatever the bound, and nothing else", () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA });
    const spoke = openStreamDatabase({ name: "p", retention: { maxChanges: 3 } });
    const inbound = spoke.inbound({ from: hub.site, rebase: true });
    const down = hub.outbound({ to: spoke.site, excludeOrigins: [spoke.site] });
    pump(down, inbound);
    const write = (at: StreamDatabase, first: number): void => {
      for (let id = first; id < first + 20; id++) at.db.prepare("INSERT INTO item VALUES (?, 0, 0)").run(id);
    };
    const kept = "SELECT count(*) FROM tributary_tape WHERE op <> 5";
    write(hub, 100);
    pump(down, inbound);
    trimTape(spoke.host);
    expect(Number(spoke.rows(kept)[0]?.[0])).toBeLessThan(5);
    write(spoke, 1);
    trimTape(spoke.host);
    expect(Number(spoke.rows(kept)[0]?.[0])).toBeGreaterThanOrEqual(20);
    pump(spoke.outbound({ to: hub.site }), hub.inbound({ from: spoke.site }));
    pump(down, inbound);
    expect(contentOf(spoke)).toEqual(contentOf(hub));
    expect(hub.rows("SELECT count(*) FROM item")).toEqual([[40n]]);
    trimTape(spoke.host);
    expect(Number(spoke.rows(kept)[0]?.[0])).toBeLessThan(5);
  });

  it("do not take the last change of the hub for their own when the tape is trimmed", () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA });
    hub.db.exec("INSERT INTO item VALUES (1, 'old', 0)");
    const p = new Spoke(hub, "p");
    hub.db.exec("UPDATE item SET a = 'hub'");
    pump(...p.down);
    pump(...p.up);
    trimTape(p.database.host);
    expect(p.database.rows("SELECT count(*) FROM tributary_tape")).toEqual([[1n]]);
    p.database.db.exec("INSERT INTO item VALUES (9, 'p', 9)");
    hub.db.exec("UPDATE item SET a = 'later'; INSERT INTO item VALUES (9, 'hub', 9)");
    pump(...p.down);
    expect(p.database.rows("SELECT a FROM item ORDER BY id")).toEqual([["later"], ["p"]]);
  });

  it("keep what they have not sent, however long that is on its way", () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA });
    const p = new Spoke(hub, "p");
    p.database.db.exec("INSERT INTO item VALUES (1, 'p', 'p'), (2, 'p', 'p')");
    // The hub has it, and has not said so yet: the tape may be needed to make it again.
    pump(...p.up);
    hub.db.exec("UPDATE item SET b = 'hub' WHERE id = 1");
    p.database.db.exec("UPDATE item SET id = 3 WHERE id = 1");
    expect(Number(p.database.rows("SELECT count(*) FROM tributary_tape WHERE op = 1")[0]?.[0])).toBe(2);
    settle([p]);
    expect(p.database.rows("SELECT * FROM item ORDER BY id")).toEqual([
      [2n, "p", "p"],
      [3n, "p", "hub"],
    ]);
    expect(contentOf(p.database)).toEqual(contentOf(hub));
  });
});

describe("triggers of the app", () => {
  const WITH_TRIGGERS = `${SCHEMA};
CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE log (number INTEGER PRIMARY KEY, line TEXT);
CREATE VIRTUAL TABLE words USING fts5 (b);
INSERT INTO counter VALUES ('items', 0), ('changes', 0);
CREATE TRIGGER first AFTER INSERT ON item BEGIN UPDATE counter SET n = n + 1 WHERE name = 'items'; END;
CREATE TRIGGER second AFTER INSERT ON item BEGIN INSERT INTO words (rowid, b) VALUES (NEW.id, NEW.b); END;
CREATE TRIGGER third AFTER INSERT ON item BEGIN INSERT INTO log (line) VALUES ('made ' || NEW.id); END;
CREATE TRIGGER gone BEFORE DELETE ON item BEGIN
  INSERT INTO log (line) VALUES ('gone ' || OLD.id || ' of ' || (SELECT n FROM counter WHERE name = 'items'));
  UPDATE counter SET n = n - 1 WHERE name = 'items';
END;
CREATE TRIGGER forgotten AFTER DELETE ON item BEGIN DELETE FROM words WHERE rowid = OLD.id; END;
CREATE TRIGGER counted AFTER UPDATE ON counter WHEN NEW.name = 'items' AND NEW.n <> OLD.n BEGIN UPDATE counter SET n = n + 1 WHERE name = 'changes'; END`;
  const ALL = [
    ...TABLES,
    "SELECT * FROM counter ORDER BY name",
    "SELECT * FROM log ORDER BY number",
    "SELECT rowid, b FROM words ORDER BY rowid",
    "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid",
  ];
  const allOf = (database: StreamDatabase): unknown => ALL.map((table) => database.rows(table));

  it("have their effects once, in the hub's order", () => {
    const hub = openStreamDatabase({ name: "hub", schema: WITH_TRIGGERS });
    const spokes = ["p", "q"].map((name) => new Spoke(hub, name));
    const [p, q] = spokes as [Spoke, Spoke];
    p.database.db.exec("INSERT INTO item VALUES (1, 'p', 'one'); DELETE FROM item WHERE id = 1");
    q.database.db.exec("INSERT INTO item VALUES (2, 'q', 'two')");
    pump(...q.up);
    pump(...p.down);
    pump(...p.up);
    settle(spokes);
    expect(hub.rows("SELECT * FROM log")).toEqual([
      [1n, "made 2"],
      [2n, "made 1"],
      [3n, "gone 1 of 2"],
    ]);
    for (const { database } of spokes) expect(allOf(database)).toEqual(allOf(hub));
  });

  it("have their effects once, whatever the order, for 15 schedules", { timeout: 60_000 }, () => {
    const hub = openStreamDatabase({ name: "hub", schema: WITH_TRIGGERS });
    const spokes = ["p", "q"].map((name) => new Spoke(hub, name));
    const writeItem = ({ db }: StreamDatabase, random: SeededRandom): void => {
      const id = random.below(4);
      const sql = random.pick([
        "INSERT INTO item VALUES (?, 0, 'word') ON CONFLICT DO NOTHING",
        "DELETE FROM item WHERE id = ?",
        "UPDATE item SET a = a + 1 WHERE id = ?",
        "UPDATE counter SET n = 100 * n + ? WHERE name = 'items'",
        "UPDATE counter SET n = ?",
      ]);
      const run = (): void => void db.prepare(sql).run(id);
      if (random.chance(0.3)) {
        db.transaction(() => {
          run();
          db.prepare("DELETE FROM item WHERE id = ?").run(random.below(4));
        })();
      } else run();
    };
    for (let seed = 1; seed <= 15; seed++) {
      const random = createRandom(seed);
      for (let step = 0; step < 8; step++) {
        const spoke = random.pick(spokes);
        if (random.chance(0.5)) writeItem(random.chance(0.15) ? hub : spoke.database, random);
        else move(random.pick([spoke.up, spoke.down]), random);
      }
      settle(spokes);
      for (const { database } of spokes) expect(allOf(database), `seed ${seed}`).toEqual(allOf(hub));
    }
  });

  it("do not repeat with a snapshot what is in it", () => {
    const hub = openStreamDatabase({ name: "hub", schema: WITH_TRIGGERS });
    const p = new Spoke(hub, "p");
    const plain = openStreamDatabase({ name: "plain" });
    pump(hub.outbound({ since: "snapshot" }), plain.inbound({ from: hub.site }));
    hub.db.exec(
      "INSERT INTO item VALUES (1, 'hub', 'one'), (2, 'hub', 'two'); DELETE FROM item WHERE id = 1",
    );
    p.database.db.exec("INSERT INTO item VALUES (3, 'p', 'three')");
    const { site } = p.database;
    const snapshot = hub.outbound({ to: site, since: "snapshot", excludeOrigins: [site], maxBytes: 300 });
    pump(snapshot, p.down[1]);
    expect(p.database.rows("SELECT * FROM counter WHERE name = 'items'")).toEqual([["items", 2n]]);
    pump(hub.outbound({ since: "snapshot" }), plain.inbound({ from: hub.site }));
    expect(allOf(plain)).toEqual(allOf(hub));
    pump(...p.up);
    pump(snapshot, p.down[1]);
    expect(allOf(p.database)).toEqual(allOf(hub));
  });
});
