import { type InboundStream, type OutboundStream, trimTape } from "@tributary/core";
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
  it("come to the same, whatever the order, for 200 schedules", { timeout: 120_000 }, () => {
    const hub = openStreamDatabase({ name: "hub", schema: SCHEMA });
    const spokes = ["p", "q"].map((name) => new Spoke(hub, name));
    for (let seed = 1; seed <= 200; seed++) {
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

  it("are one hub and its spokes: a second hub is refused", () => {
    const [hub, other] = ["hub", "other"].map((name) => openStreamDatabase({ name, schema: SCHEMA }));
    const { database } = new Spoke(hub as StreamDatabase, "p");
    const made = other?.outbound().next();
    const inbound = database.inbound({ from: String(other?.site), rebase: true });
    expect(() => inbound.apply(made?.payload ?? "")).toThrow(
      expect.objectContaining({ code: "invalid-state" }),
    );
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
