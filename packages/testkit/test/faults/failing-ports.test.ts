import { type EngineIo, SyncError } from "@tributary/core";
import { expect, test } from "vitest";
import { createFailingPorts } from "../../src/index.js";

/** Ports that note what is asked of them. */
function notingPorts(): { ports: EngineIo; calls: string[] } {
  const calls: string[] = [];
  const note =
    (method: string, answer?: unknown) =>
    (...args: unknown[]): unknown => {
      calls.push(`${method} ${args.map((arg) => (arg instanceof Uint8Array ? arg.length : arg)).join(" ")}`);
      return answer;
    };
  const ports = {
    openFile: note("openFile", 7),
    writeAt: note("writeAt"),
    syncFile: note("syncFile"),
    closeFile: note("closeFile"),
    executeSql: note("executeSql"),
    runSql: note("runSql"),
    startPull: note("startPull"),
  };
  return { ports: ports as unknown as EngineIo, calls };
}

test("the n-th call fails with the errno, is not made, and the next one goes through", () => {
  const { ports, calls } = notingPorts();
  const failing = createFailingPorts(ports);
  failing.fail({ call: 2, errno: "ENOSPC" });
  const file = failing.ports.openFile("a", "write") as never;
  expect(() => failing.ports.syncFile(file)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
  failing.ports.syncFile(file);
  expect(calls).toEqual(["openFile a write", "syncFile 7"]);
  expect([failing.matched, failing.failed]).toEqual([3, 1]);
});

test("only calls of a method, or on files of a path, count", () => {
  const { ports } = notingPorts();
  const failing = createFailingPorts(ports);
  const file = failing.ports.openFile("x-wal", "write") as never;
  failing.fail({ call: 1, calls: 2, errno: "EIO", method: "syncFile", path: /-wal$/ });
  failing.ports.writeAt(file, 0, new Uint8Array(4));
  expect(() => failing.ports.syncFile(file)).toThrow("EIO");
  expect(() => failing.ports.syncFile(file)).toThrow("EIO");
  failing.ports.syncFile(file);
  failing.fail({ call: 1, calls: Number.POSITIVE_INFINITY, errno: "EIO", path: /-shm$/ });
  failing.ports.syncFile(file);
  expect(failing.failed).toBe(0);
});

test("half of a write is made, a transaction ends, and ends of things never fail", () => {
  const { ports, calls } = notingPorts();
  const failing = createFailingPorts(ports);
  const all = { call: 1, calls: Number.POSITIVE_INFINITY, errno: "EACCES" } as const;
  failing.fail({ ...all, half: true, rollsBack: true });
  expect(() => failing.ports.writeAt(7 as never, 3, new Uint8Array(9))).toThrow("EACCES");
  expect(() => failing.ports.executeSql("writer", "COMMIT")).toThrow(SyncError);
  failing.ports.executeSql("writer", "ROLLBACK");
  failing.ports.closeFile(7 as never);
  expect(calls).toEqual([
    "writeAt 7 3 4",
    "executeSql writer ROLLBACK",
    "executeSql writer ROLLBACK",
    "closeFile 7",
  ]);
});

test("each port fails in its own way", () => {
  const { ports } = notingPorts();
  const failing = createFailingPorts(ports);
  failing.fail({ call: 1, calls: Number.POSITIVE_INFINITY, errno: "EDQUOT" });
  expect(failing.ports.runSql([])).toMatchObject({ index: 0, sqlCode: "SQLITE_FULL" });
  expect(() => failing.ports.executeSql("writer", "COMMIT")).toThrow(
    expect.objectContaining({ code: "sql-failed", details: { sqlCode: "SQLITE_FULL" } }),
  );
  expect(() => failing.ports.startPull({ longPollTimeoutMs: 0 })).toThrow(
    expect.objectContaining({ code: "unreachable" }),
  );
  failing.heal();
  failing.ports.executeSql("writer", "COMMIT");
});
