import { describe, expect, test } from "vitest";
import { isMarkedTrigger, markTrigger, unmarkTrigger } from "../../src/capture/mark-trigger.js";
import { triggerEffects, triggerTargets } from "../../src/capture/trigger-effects.js";

const TRIGGERS = [
  "CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO log VALUES(1); END",
  "CREATE TRIGGER b BEFORE UPDATE OF begin, end ON t WHEN NEW.begin > CASE 1 WHEN 1 THEN 2 END BEGIN\n  UPDATE t SET x = CASE 1 WHEN 1 THEN 'BEGIN' END;\n-- END\n end",
  "CREATE TRIGGER c AFTER DELETE ON t BEGIN SELECT raise( IGNORE ); SELECT CASE WHEN 1 THEN RAISE(IGNORE) ELSE RAISE(ABORT, 'RAISE(IGNORE)') END; DELETE FROM log; END",
  "CREATE TRIGGER d AFTER DELETE ON t BEGIN DELETE FROM log;END",
];

describe("markTrigger", () => {
  test.each(TRIGGERS)("is undone to the letter: %s", (sql) => {
    const marked = markTrigger(sql);
    expect(marked).not.toBe(sql);
    expect(isMarkedTrigger(marked)).toBe(true);
    expect(markTrigger(marked)).toBe(marked);
    expect(unmarkTrigger(marked)).toBe(sql);
    expect(unmarkTrigger(sql)).toBe(sql);
    expect(marked).toMatch(/begin SELECT tributary_enter\(\);/i);
    expect(marked).toMatch(/;\s*(-- END\s*)?SELECT tributary_leave\(\); end$/i);
  });

  test("RAISE(IGNORE) leaves first, a text that looks like it stays", () => {
    expect(markTrigger(TRIGGERS[2] as string)).toBe(
      "CREATE TRIGGER c AFTER DELETE ON t BEGIN SELECT tributary_enter(); SELECT CASE WHEN tributary_leave() IS NULL THEN raise( IGNORE ) END/*tributary_leave*/; SELECT CASE WHEN 1 THEN CASE WHEN tributary_leave() IS NULL THEN RAISE(IGNORE) END/*tributary_leave*/ ELSE RAISE(ABORT, 'RAISE(IGNORE)') END; DELETE FROM log; SELECT tributary_leave(); END",
    );
  });
});

describe("triggerEffects", () => {
  test("targets of a body", () => {
    const sql =
      'CREATE TRIGGER x AFTER INSERT ON t BEGIN INSERT OR IGNORE INTO A VALUES(1); REPLACE INTO "b c" VALUES(1); UPDATE OR REPLACE [d] SET x=1; DELETE FROM e; SELECT * FROM f; INSERT INTO g SELECT 1 FROM h; END';
    expect([...triggerTargets(sql)].sort()).toEqual(["a", "b c", "d", "e", "g"]);
    expect(triggerTargets(markTrigger(sql))).toEqual(triggerTargets(sql));
  });

  test("what is marked, and whose capture looks", () => {
    const row = (type: string, name: string, table: string, sql: string) => ({ type, name, table, sql });
    const on = (name: string, event: string, target: string) =>
      row(
        "trigger",
        name,
        event.split(" ").at(-1) as string,
        `CREATE TRIGGER ${name} ${event} BEGIN INSERT INTO ${target} VALUES(1); END`,
      );
    const effects = triggerEffects(
      [
        row("view", "V", "V", "CREATE VIEW V AS SELECT 1"),
        on("fts", "AFTER INSERT ON a", "f"),
        on("Audit", "AFTER INSERT ON a", "LOG"),
        on("byview", "AFTER INSERT ON a", "v"),
        on("behind", "INSTEAD OF INSERT ON V", "hidden"),
        on("cache", "AFTER INSERT ON a", "ignored"),
      ],
      new Set(["a", "log", "hidden"]),
    );
    expect([...effects.marked]).toEqual(["audit", "byview"]);
    expect([...effects.suppressible]).toEqual(["log", "hidden"]);
  });
});
