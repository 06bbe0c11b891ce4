import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { ServerDatabase } from "../../src/database/server-database.js";
import { frameOf, logIdOf, MAX_BATCH_FRAMES, revisionAt } from "../../src/embedded/frame-position.js";
import { SessionTokens } from "../../src/embedded/session-tokens.js";
import { NO_CHECK } from "../../src/pages/revision.js";
import { Lineage } from "../../src/revisions/lineage.js";
import { copyDatabase } from "../support/copy-database.js";
import { openDatabase } from "../support/open-database.js";
import { changePage, createPages } from "../support/run-sql.js";

/** The pages that somebody at that frame lacks; undefined: all. */
function lacking({ log }: ServerDatabase, frame: bigint): number | undefined {
  const revision = revisionAt(frame, log);
  return revision === undefined ? undefined : log.changedSince(revision)?.length;
}

test("frames grow by more than one answer has, whatever epochs and checks are, and are exact in JavaScript", () => {
  const smallest = { epoch: "0000000000000000", check: NO_CHECK };
  const largest = { epoch: "000000fb00000000", check: "ffffffffffffffff" };
  const gap = frameOf({ ...smallest, sequence: 8 }) - frameOf({ ...largest, sequence: 7 });
  expect(gap).toBeGreaterThan(BigInt(MAX_BATCH_FRAMES));
  expect(frameOf({ ...smallest, sequence: 1 })).toBeGreaterThan(BigInt(MAX_BATCH_FRAMES));
  expect(Number.isSafeInteger(Number(frameOf({ ...largest, sequence: 2 ** 37 - 1 })))).toBe(true);
});

describe("a frame", () => {
  test("is found again over restarts, and tells what has changed since", () => {
    const { database, path } = openDatabase();
    createPages(database, 20);
    const first = frameOf(database.log.current);
    changePage(database, 3);
    const second = frameOf(database.log.current);
    const logId = logIdOf(database.log);
    expect([lacking(database, first), lacking(database, second)]).toEqual([1, 0]);
    database.close();
    const { database: again } = openDatabase({ path });
    expect(frameOf(again.log.current)).toBe(second);
    changePage(again, 9);
    expect([lacking(again, first), lacking(again, second)]).toEqual([2, 1]);
    expect(logIdOf(again.log)).toBe(logId);
    again.close();
    const { database: third } = openDatabase({ path });
    expect([lacking(third, first), lacking(third, second)]).toEqual([2, 1]);
    expect(logIdOf(third.log)).toBe(logId);
  });

  test("is found again where the server was killed, though it had not saved that it is there", () => {
    const { database, path } = openDatabase();
    createPages(database, 20);
    changePage(database, 3);
    const told = frameOf(database.log.current);
    changePage(database, 4);
    const { database: again } = openDatabase({ path: copyDatabase(path) });
    expect(lacking(again, told)).toBe(1);
    expect(frameOf(again.log.current)).toBe(frameOf(database.log.current));
    changePage(again, 5);
    expect(lacking(again, told)).toBe(2);
  });

  test("is not taken for that of another commit in its place", () => {
    const { database, path } = openDatabase();
    createPages(database, 20);
    const before = frameOf(database.log.current);
    const lost = copyDatabase(path);
    changePage(database, 3);
    const told = frameOf(database.log.current);
    // What the machine lost, and what somebody wrote before the server was there again. A few bits of the checks are in a
    // frame: with the same ones nobody could tell.
    const attempts = ["one", "two", "three", "four"].map((body) => {
      const copy = copyDatabase(lost);
      const other = new Database(copy);
      other.exec(`UPDATE t SET body = '${body}' WHERE id = 9`);
      const left = copyDatabase(copy);
      other.close();
      const { database: found } = openDatabase({ path: copyDatabase(left) });
      return { left, frame: frameOf(found.log.current) };
    });
    const { left } = attempts.find(({ frame }) => frame !== told) as { left: string };
    const { database: again } = openDatabase({ path: left });
    const taken = frameOf(again.log.current);
    expect(taken >> 16n).toBe(told >> 16n);
    expect([lacking(again, before), lacking(again, told)]).toEqual([1, undefined]);
  });

  test("is not taken for that of another commit when more has come, by later starts", () => {
    const [first, second] = ["0000000100000000", "0000000200000000"] as const;
    const [kept, other] = ["00000000000000a1", "00000000000000b2"] as const;
    // The first start saved five, and told more; the second found two behind them and made four.
    const lineage = [{ epoch: first, upTo: 5, found: [kept, kept] }];
    const current = { epoch: second, sequence: 11, check: kept };
    const log = { current, state: { epoch: second, revision: current, lineage } };
    const told = (epoch: string, sequence: number, check: string): unknown =>
      revisionAt(frameOf({ epoch, sequence, check }), log);
    expect(told(second, 11, kept)).toEqual(current);
    expect(told(second, 10, other)).toEqual({ epoch: second, sequence: 10, check: NO_CHECK });
    expect(told(first, 5, other)).toEqual({ epoch: first, sequence: 5, check: NO_CHECK });
    expect(told(first, 6, kept)).toEqual({ epoch: first, sequence: 6, check: kept });
    for (const lost of [
      told(first, 7, other),
      told(first, 8, kept),
      told(second, 11, other),
      told(second, 12, kept),
      told("0000000300000000", 4, kept),
    ])
      expect(lost).toBeUndefined();
  });

  test("of another history is none, and the log has another id", () => {
    const { database, path } = openDatabase();
    createPages(database, 20);
    const logId = logIdOf(database.log);
    const told = frameOf(database.log.current);
    database.close();
    const other = new Database(path);
    other.exec("UPDATE t SET body = 1");
    other.close();
    const { database: again } = openDatabase({ path });
    expect(logIdOf(again.log)).not.toBe(logId);
    const { current } = again.log;
    expect(lacking(again, told)).toBeUndefined();
    expect(revisionAt(0n, again.log)).toBeUndefined();
    expect(revisionAt(frameOf({ ...current, sequence: current.sequence + 1 }), again.log)).toBeUndefined();
  });
});

test("a log keeps its id over any number of restarts, though not what they were", () => {
  const epochs = Array.from({ length: 1_100 }, (_, index) => index.toString(16).padStart(16, "0"));
  const lineage = new Lineage();
  const idOf = (epoch: string): string => {
    const revision = { epoch, sequence: 1, check: NO_CHECK };
    return logIdOf({ state: { epoch, revision, lineage: lineage.epochs } });
  };
  const first = idOf(epochs[0] as string);
  for (const [index, epoch] of epochs.entries()) {
    expect(idOf(epoch)).toBe(first);
    lineage.add({ epoch, upTo: index + 1, found: [] });
  }
  expect(lineage.epochs.length).toBeLessThan(1_010);
});

test("a session is of one server, one database and one log", () => {
  const sessions = new SessionTokens();
  const token = sessions.tokenOf("acme", "log");
  expect(sessions.isValid(token, "acme", "log")).toBe(true);
  expect(sessions.isValid(token, "acme", "another")).toBe(false);
  expect(sessions.isValid(token, "other", "log")).toBe(false);
  expect(sessions.isValid(token.slice(1), "acme", "log")).toBe(false);
  expect(new SessionTokens().isValid(token, "acme", "log")).toBe(false);
});
