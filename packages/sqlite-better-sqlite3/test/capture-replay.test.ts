import fc from "fast-check";
import { describe, test } from "vitest";
import { openHarness } from "./capture-harness.js";

// No trigger here tells an insert from an update of the same key: REPLACE of a key replays as an upsert, which is an update.
// Invariant: whatever statements run, the tape replayed onto the start arrives at the same content.
const SCHEMA = `
CREATE TABLE a(id INTEGER PRIMARY KEY, u UNIQUE, n, at DEFAULT 0);
CREATE UNIQUE INDEX a_expr ON a(n % 7) WHERE n > 3;
CREATE TABLE b(k TEXT, j, v UNIQUE, PRIMARY KEY(k, j));
CREATE TABLE c(x, y UNIQUE);
CREATE TABLE d(k TEXT COLLATE NOCASE PRIMARY KEY, p REFERENCES a(id) ON DELETE CASCADE ON UPDATE CASCADE, w UNIQUE) WITHOUT ROWID;
CREATE TABLE log(id INTEGER PRIMARY KEY, m);
CREATE TRIGGER touch AFTER UPDATE OF y ON c BEGIN UPDATE c SET x = x + 1 WHERE rowid = NEW.rowid; END;
CREATE TRIGGER note AFTER INSERT ON c BEGIN INSERT INTO log(m) VALUES(NEW.y); END;`;

const value = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map(String),
  fc.constantFrom("'a'", "'A'", "'b'", "NULL", "1.5"),
);
const id = fc.integer({ min: 1, max: 6 }).map(String);
const or = fc.constantFrom("", "OR REPLACE", "OR IGNORE");
const text = fc.constantFrom("'a'", "'A'", "'b'", "'c'");

const statement = fc.oneof(
  fc.tuple(or, id, value, value).map(([o, i, u, n]) => `INSERT ${o} INTO a(id,u,n) VALUES(${i},${u},${n})`),
  fc.tuple(or, id, id, value).map(([o, i, j, u]) => `UPDATE ${o} a SET id=${i}, u=${u} WHERE id=${j}`),
  fc.tuple(or, value, id).map(([o, n, i]) => `UPDATE ${o} a SET n=${n} WHERE id>=${i}`),
  fc
    .tuple(id, value)
    .map(([i, u]) => `INSERT INTO a(id,u) VALUES(${i},${u}) ON CONFLICT(u) DO UPDATE SET id=excluded.id+1`),
  id.map((i) => `DELETE FROM a WHERE id=${i}`),
  fc.tuple(or, text, id, value).map(([o, k, j, v]) => `INSERT ${o} INTO b VALUES(${k},${j},${v})`),
  fc
    .tuple(or, text, id, value, value)
    .map(([o, k, j, v, w]) => `UPDATE ${o} b SET k=${k}, v=${v} WHERE j=${j} OR v=${w}`),
  fc.tuple(or, value, value).map(([o, x, y]) => `INSERT ${o} INTO c VALUES(typeof(${x})='integer', ${y})`),
  fc.tuple(or, value, value).map(([o, x, y]) => `UPDATE ${o} c SET y=${y} WHERE y=${x}`),
  fc.tuple(or, text, id, value).map(([o, k, p, w]) => `INSERT ${o} INTO d VALUES(${k},${p},${w})`),
  fc.tuple(or, text, text, value).map(([o, k, l, w]) => `UPDATE ${o} d SET k=${k}, w=${w} WHERE k=${l}`),
  fc.constantFrom("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s"),
);

describe("replay of random statements", () => {
  test("arrives at the same content", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(statement, { minLength: 1, maxLength: 40 }),
        (looksOut, statements) => {
          const harness = openHarness(SCHEMA);
          // From the beginning, or when the first statement comes that may displace rows.
          if (looksOut) harness.db.exec("UPDATE OR REPLACE a SET n = 0 WHERE 0");
          for (const sql of statements) {
            try {
              harness.db.exec(sql);
            } catch {
              // A constraint or a misplaced COMMIT: nothing happened, and nothing may be on the tape.
            }
          }
          if (harness.db.inTransaction) harness.db.exec("COMMIT");
          harness.expectReplays();
        },
      ),
      { numRuns: 120, seed: 20_261_121 },
    );
  });
});
