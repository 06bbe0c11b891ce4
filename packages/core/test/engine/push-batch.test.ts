import { expect, it } from "vitest";
import { runSync } from "../../src/coroutine/run-sync.js";
import { POSITION_MOVED, sendPushBatch } from "../../src/engine/push-batch.js";
import type { RemoteMark } from "../../src/engine/remote-mark.js";
import type { EngineIo } from "../../src/ports/engine-io.js";
import type { RemoteStep, RemoteStepResult } from "../../src/ports/protocol-io.js";

const OK: RemoteStepResult = { type: "ok", rows: [] };
const NEW: RemoteMark = { position: undefined, fence: undefined };
const KNOWN: RemoteMark = { position: { pullGeneration: 1, changeId: 2 }, fence: undefined };

/** Sends that many changes to a remote which answers each step as told; gives the batch, and what came of it. */
function send(count: number, mark: RemoteMark, answer: (step: RemoteStep) => RemoteStepResult = () => OK) {
  let sent: readonly RemoteStep[] = [];
  const ports = {
    runRemoteBatch({ steps }: { steps: readonly RemoteStep[] }) {
      sent = steps;
      return steps.map(answer);
    },
  } as unknown as EngineIo;
  const changes = Array.from({ length: count }, (_, index) => ({
    type: "schema" as const,
    changeId: 3 + index,
    parked: false,
    sql: `CREATE TABLE t${index} (a)`,
  }));
  const statements = changes.map(({ sql }) => ({ sql, params: [] }));
  const reached = { pullGeneration: 1, changeId: 2 + count };
  const outcome = runSync(sendPushBatch("me", { changes, statements }, mark, reached), ports);
  return { steps: sent.map(({ sql, condition }) => [kindOf(sql), condition]), outcome };
}

function kindOf(sql: string): string {
  if (sql.startsWith("INSERT INTO turso_sync_last_change_id"))
    return sql.includes("SELECT") ? "check" : "set";
  if (sql.startsWith("CREATE TABLE IF NOT EXISTS")) return "table";
  return sql.startsWith("CREATE TABLE t") ? "change" : (sql.split(" ")[0] as string);
}

const END = [
  ["set", "previous-ok"],
  ["COMMIT", "previous-ok"],
  ["ROLLBACK", "in-transaction"],
];

it.each<[string, number, RemoteMark, unknown[][]]>([
  [
    "the first change",
    1,
    NEW,
    [
      ["BEGIN", "always"],
      ["table", "previous-ok"],
      ["check", "previous-ok"],
      ["change", "previous-ok"],
      ...END,
    ],
  ],
  [
    "a later change",
    1,
    KNOWN,
    [["BEGIN", "always"], ["check", "previous-ok"], ["change", "previous-ok"], ...END],
  ],
  // Foreign keys may be broken between two changes only; a remote need not know the pragma.
  [
    "two first changes",
    2,
    NEW,
    [
      ["BEGIN", "always"],
      ["PRAGMA", "previous-ok"],
      ["table", "in-transaction"],
      ["check", "previous-ok"],
      ["change", "previous-ok"],
      ["change", "previous-ok"],
      ...END,
    ],
  ],
  [
    "two later changes",
    2,
    KNOWN,
    [
      ["BEGIN", "always"],
      ["PRAGMA", "previous-ok"],
      ["check", "in-transaction"],
      ["change", "previous-ok"],
      ["change", "previous-ok"],
      ...END,
    ],
  ],
])("%s: no more than is needed", (_, count, mark, expected) => {
  const { steps, outcome } = send(count, mark);
  expect(steps).toEqual(expected);
  expect(outcome).toBeUndefined();
});

const failing =
  (kind: string, message: string) =>
  ({ sql }: RemoteStep): RemoteStepResult =>
    kindOf(sql) === kind ? { type: "error", message, sqlCode: undefined } : OK;

it.each([1, 2])("a check that fails tells that the position has moved, of %i changes", (count) => {
  for (const message of ["UNIQUE constraint failed: x", "no such table: turso_sync_last_change_id"])
    expect(send(count, KNOWN, failing("check", message)).outcome).toBe(POSITION_MOVED);
  expect(send(count, KNOWN, failing("check", "disk I/O error")).outcome).toMatchObject({
    code: "remote-sql-failed",
  });
});

it("a remote that does not know the pragma takes the push all the same", () => {
  expect(send(2, KNOWN, failing("PRAGMA", "not known")).outcome).toBeUndefined();
});

it("a refused change is named, whatever was sent before it", () => {
  for (const count of [1, 2])
    for (const mark of [NEW, KNOWN])
      expect(send(count, mark, failing("change", "no")).outcome).toMatchObject({ details: { changeId: 3 } });
});
