import { classifyStatement } from "@tributary/core";
import { firstLiveText } from "@tributary/wire";
import type { StreamWork } from "../hrana/sql-stream.js";
import type { LiveWork } from "../sql-host/run-live-batch.js";

/** How much of a body is looked at, bytes. */
const HEAD_BYTES = 256;
const WRITES = /^"sql"\s*:\s*"\s*(?:BEGIN\s+(?:IMMEDIATE|EXCLUSIVE)|INSERT|UPDATE|DELETE|REPLACE)\b/i;

/**
 * Whether work seems to want the write lock with its first statement, by a glance at the beginning of its body. A guess: the
 * host asks for a lock that it has not been given, and gives back before it reads what it does not need.
 */
export function expectsToWrite(work: StreamWork | LiveWork): boolean {
  if (!("body" in work)) return false;
  const head = work.body.subarray(0, HEAD_BYTES);
  if ("bodyFormat" in work) {
    const text = latin1(head);
    const start = text.indexOf('"sql"');
    return work.bodyFormat === "json" && start >= 0 && WRITES.test(text.slice(start));
  }
  const statement = classifyStatement(firstLiveText(head) ?? "");
  return statement.type === "transaction" && statement.verb === "begin" && statement.immediate;
}

function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}
