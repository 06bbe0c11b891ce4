import { type PragmaStatement, type StatementClass, SyncError } from "@tributary/core";

/** Pragmas that a replica cannot do with, and what to do instead. `allowed` are values that change nothing. */
const REFUSED: Readonly<Record<string, { readonly allowed: readonly string[]; readonly reason: string }>> = {
  journal_mode: { allowed: ["wal"], reason: "a replica finds its changes in the WAL; leave it in WAL mode" },
  page_size: { allowed: ["4096"], reason: "the sync protocol knows pages of 4096 bytes only; leave it out" },
  auto_vacuum: {
    allowed: [],
    reason:
      "it moves pages and rewrites the header that the remote owns; set it on the remote, before its first table",
  },
  locking_mode: {
    allowed: ["normal"],
    reason: "the replica's own connections could not read any more; leave it normal",
  },
  wal_autocheckpoint: {
    allowed: ["0"],
    reason: "a checkpoint must not pass what a pull has to roll back; the replica checkpoints by itself",
  },
  writable_schema: {
    allowed: ["0", "off", "no", "false", "reset"],
    reason: "changes made behind the schema cannot be captured; use CREATE, ALTER and DROP",
  },
  schema_version: {
    allowed: [],
    reason: "connections would miss a change of schema; SQLite counts it by itself",
  },
  trusted_schema: {
    allowed: ["1", "on", "yes", "true"],
    reason: "the replica counts running triggers with functions of its own; leave it on",
  },
};

/** What only a replica cannot do with. */
const OF_REPLICAS: ReadonlySet<string> = new Set(["page_size", "auto_vacuum", "wal_autocheckpoint"]);

/** Throws when a pragma would break the replica, or the capture of a database that is none. */
export function checkPragma(pragma: PragmaStatement, isReplica: boolean): void {
  if (!isReplica && OF_REPLICAS.has(pragma.name)) return;
  const rule = Object.hasOwn(REFUSED, pragma.name) ? REFUSED[pragma.name] : undefined;
  if (rule === undefined || pragma.value === undefined || rule.allowed.includes(pragma.value)) return;
  const schema = pragma.schema?.toLowerCase() ?? "main";
  if (schema !== "main" && pragma.name !== "trusted_schema" && pragma.name !== "writable_schema") return;
  throw new SyncError(
    "unsupported-sql",
    `PRAGMA ${pragma.name} = ${pragma.value} is refused: ${rule.reason}.`,
  );
}

/** Whether a pragma writes a field of the database header that belongs to the app: it travels like a schema change. */
export function setsHeaderField(pragma: PragmaStatement): boolean {
  return (
    (pragma.name === "user_version" || pragma.name === "application_id") &&
    pragma.value !== undefined &&
    (pragma.schema ?? "main").toLowerCase() === "main"
  );
}

/** Whether SQLite empties the TEMP database each time it compiles a statement. */
export function emptiesTemp(kind: StatementClass): boolean {
  // Behind EXPLAIN too: this pragma takes effect while it is compiled.
  if (kind.type === "explain") return emptiesTemp(kind.explained);
  return kind.type === "pragma" && kind.name.startsWith("temp_store") && kind.value !== undefined;
}
