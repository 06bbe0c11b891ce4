import type { DatabaseStatus, ServerStatus } from "@tributary/server";
import { expect, test } from "vitest";
import { createLogger } from "../../src/logging/create-logger.js";
import { MaintenanceLog } from "../../src/serve/maintenance-log.js";

test("a failure is logged once, another one again, and its end", () => {
  const lines: string[] = [];
  const logger = createLogger("info", "json", { write: (line) => void lines.push(line) });
  let errors: Record<string, string | undefined> = {};
  const status = (): ServerStatus => ({
    databases: Object.entries(errors).map(
      ([name, maintenanceError]) => ({ name, maintenanceError }) as DatabaseStatus,
    ),
    workers: { running: 0, busy: 0, waiting: 0 },
    sockets: 0,
    requests: 0,
  });
  const log = new MaintenanceLog(status, logger);
  const lookAt = (now: Record<string, string | undefined>): unknown[] => {
    errors = now;
    log.look();
    return lines.splice(0).map((line) => {
      const { level, database, reason } = JSON.parse(line) as Record<string, unknown>;
      return [level, database, reason];
    });
  };
  expect(lookAt({ acme: undefined })).toEqual([]);
  expect(lookAt({ acme: "disk full", globex: undefined })).toEqual([["error", "acme", "disk full"]]);
  expect(lookAt({ acme: "disk full", globex: "gone" })).toEqual([["error", "globex", "gone"]]);
  expect(lookAt({ acme: "read-only", globex: "gone" })).toEqual([["error", "acme", "read-only"]]);
  expect(lookAt({ globex: undefined })).toEqual([
    ["info", "acme", undefined],
    ["info", "globex", undefined],
  ]);
  expect(lookAt({ acme: "read-only" })).toEqual([["error", "acme", "read-only"]]);
});
