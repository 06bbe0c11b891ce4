import { type OutboundStreamOptions, SyncError } from "@tributary/core";
import type { LinkOutbound } from "@tributary/live";
import type Database from "better-sqlite3";

/** Name of the table-valued function over an outbound stream. */
const CHANGES_TABLE = "tributary_changes";

const PARAMETERS = ["since", "exclude_origins", "local_only", "max_bytes", "encoding"] as const;

/**
 * Adds `tributary_changes(since, exclude_origins, local_only, max_bytes, encoding)` to a connection: packages of all that
 * was committed after `since`, and where each ends. It reads through a connection of the engine's, so it may be called
 * inside any statement; what the calling transaction has not committed is not in it. Packages are made one by one as
 * rows are asked for.
 */
export function addChangesTable(
  db: Database.Database,
  open: (options: OutboundStreamOptions) => LinkOutbound,
): void {
  db.table(CHANGES_TABLE, {
    columns: ["package", "cursor"],
    parameters: [...PARAMETERS],
    directOnly: true,
    *rows(...given: unknown[]) {
      const stream = open(optionsOf(given));
      try {
        for (let made = stream.next(); made !== undefined; made = stream.next()) {
          const { payload, to } = made;
          // The rows have it, so it need not be made again: the caller's cursor is the position.
          made.ack();
          const isText = typeof payload === "string";
          yield [
            isText ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.length),
            BigInt(to),
          ];
        }
      } finally {
        stream.close();
      }
    },
  });
}

/** Reads the arguments; what is left out has its default. SQLite does not ask when one is NULL. Fails with `invalid-option`. */
function optionsOf(given: readonly unknown[]): OutboundStreamOptions {
  const [since, excludeOrigins, localOnly, maxBytes, encoding] = PARAMETERS.map(
    (_, index) => given[index] ?? undefined,
  );
  return {
    since: sinceOf(since),
    ...(excludeOrigins !== undefined && { excludeOrigins: originsOf(excludeOrigins) }),
    ...(localOnly !== undefined && { localOnly: Number(localOnly) !== 0 }),
    ...(maxBytes !== undefined && { maxBytes: Number(maxBytes) }),
    ...(encoding !== undefined && { encoding: encodingOf(encoding) }),
  };
}

function sinceOf(value: unknown): NonNullable<OutboundStreamOptions["since"]> {
  if (value === undefined) return "snapshot";
  if (value === "start" || value === "now" || value === "snapshot") return value;
  if (typeof value === "string" ? /^\d{1,16}$/.test(value) : Number.isSafeInteger(Number(value))) {
    return Number(value);
  }
  throw invalid("since", "a cursor, 'start', 'now' or 'snapshot'");
}

function originsOf(value: unknown): string[] {
  try {
    const origins: unknown = JSON.parse(String(value));
    if (Array.isArray(origins) && origins.every((origin) => typeof origin === "string")) return origins;
  } catch (cause) {
    throw invalid("exclude_origins", "a JSON array of texts", cause);
  }
  throw invalid("exclude_origins", "a JSON array of texts");
}

function encodingOf(value: unknown): "binary" | "json" {
  if (value === "binary" || value === "json") return value;
  throw invalid("encoding", "'binary' or 'json'");
}

function invalid(name: string, what: string, cause?: unknown): SyncError {
  return new SyncError("invalid-option", `${CHANGES_TABLE}: \`${name}\` must be ${what}.`, { cause });
}
