import { foldName } from "../capture/schema-row.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { SqlFailure } from "../ports/sql-io.js";
import { changeToStatement } from "../replay/change-to-statement.js";
import { classifyStatement } from "../sql/classify-statement.js";
import type { RowChange } from "../tape/tape-change.js";
import { RESERVED_PREFIX } from "../tape/tape-schema.js";
import type { SqlStatement } from "../values/sql-value.js";
import { AppliedTables } from "./applied-tables.js";
import type { StreamChange } from "./change-package.js";
import { damagedPackage } from "./damaged-package.js";

/** A row change of a stream. */
export type StreamRowChange = Exclude<StreamChange, { readonly type: "schema" }>;

interface Step {
  readonly statement: SqlStatement;
  /** For the message when it fails; `undefined`: it is one of ours. */
  readonly change: StreamRowChange | undefined;
  /** In its place, where another row has the key or a unique value. */
  readonly displacing: (() => SqlStatement | undefined) | undefined;
}

const STEPS_PER_RUN = 1_000;

/** What an ALTER or DROP says when the same was done here before, or the object is gone. */
const NOTHING_TO_DO = /duplicate column name|there is already (an|another) |already exists|no such /;
const HOST_FAILURE = /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY|NOMEM|BUSY|LOCKED|INTERRUPT|CORRUPT|NOTADB)/;
const NO_PLACE = /no such (table|column|index|view|trigger)|ON CONFLICT clause does not match|already exists/;

/** Another row has the key, or a unique value: the one that is applied last wins, and the other goes. */
const NOT_UNIQUE = /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY|ROWID)$/;

/** Runs changes of a stream inside the transaction that the caller began, many with one request. */
export class ChangeRunner {
  readonly tables: AppliedTables = new AppliedTables();
  #steps: Step[] = [];
  #schemaChanged = false;

  /** Whether a schema change was run: the app's capture has to follow. */
  get schemaChanged(): boolean {
    return this.#schemaChanged;
  }

  /** Applies a change, last applied wins. What its statement does may show only after {@link flush}. */
  *change(change: StreamChange): Coroutine<void> {
    if (change.type === "schema") yield* this.#schema(change.sql);
    else {
      const columns = yield* this.tables.columnsFor(change.shape);
      const row = asRowChange(change);
      const statement = changeToStatement(row, { columns });
      const displacing = (): SqlStatement | undefined => changeToStatement(row, { columns, displaces: true });
      if (statement !== undefined) yield* this.#add({ statement, change, displacing });
    }
  }

  /** Runs a statement in the place of a change, or one of our own. */
  *statement(statement: SqlStatement, change?: StreamRowChange): Coroutine<void> {
    yield* this.#add({ statement, change, displacing: undefined });
  }

  *#add(step: Step): Coroutine<void> {
    this.#steps.push(step);
    if (this.#steps.length >= STEPS_PER_RUN) yield* this.flush();
  }

  /** Runs what is not run yet. */
  *flush(): Coroutine<void> {
    let steps: readonly Step[] = this.#steps;
    this.#steps = [];
    while (steps.length > 0) {
      const failure = yield* io.runSql(steps.map(({ statement }) => statement));
      if (failure === undefined) return;
      const failed = steps[failure.index] as Step;
      const displacing = NOT_UNIQUE.test(failure.sqlCode) ? failed.displacing?.() : undefined;
      if (displacing === undefined) throw problemOf(failure, failed.change);
      const again = yield* io.runSql([displacing]);
      if (again !== undefined) throw problemOf(again, failed.change);
      steps = steps.slice(failure.index + 1);
    }
  }

  *#schema(sql: string): Coroutine<void> {
    checkSchemaChange(sql);
    yield* this.flush();
    this.#schemaChanged = true;
    this.tables.forget();
    const failure = yield* io.runSql([{ sql, params: [] }]);
    if (failure === undefined) return;
    if (/^\s*(ALTER|DROP)\b/i.test(sql) && NOTHING_TO_DO.test(failure.message)) return;
    if (!NO_PLACE.test(failure.message)) throw problemOf(failure, undefined);
    throw new SyncError("schema-mismatch", `A schema change cannot be made here: ${failure.message}.`, {
      sqlCode: failure.sqlCode,
    });
  }
}

/** A change as the tape has it, without a place there. */
function asRowChange(change: StreamRowChange): RowChange {
  return { ...change, changeId: 0, parked: false };
}

/** What a package may do to a schema is what capture records: statements on objects of the app's, and its header pragmas. */
function checkSchemaChange(sql: string): void {
  const kind = classifyStatement(sql);
  const isPragma = kind.type === "pragma" && (kind.name === "user_version" || kind.name === "application_id");
  const isSchema =
    kind.type === "schema" && !kind.temporary && !foldName(kind.name).startsWith(RESERVED_PREFIX);
  if (!isPragma && !isSchema) throw damagedPackage("has a schema change that is none");
}

function problemOf({ message, sqlCode }: SqlFailure, change: StreamRowChange | undefined): SyncError {
  const table = change?.shape.table;
  const details = { sqlCode, ...(table !== undefined && { table }) };
  if (HOST_FAILURE.test(sqlCode)) return new SyncError("sql-failed", message, details);
  const what =
    change === undefined ? "A change of the stream" : `A change of the stream (${change.type} in ${table})`;
  if (NO_PLACE.test(message))
    return new SyncError("schema-mismatch", `${what} has no place here: ${message}.`, details);
  return new SyncError(
    "replay-conflict",
    `${what} does not fit what is here: ${message}. Mend the rows here, then apply the package again; nothing was changed.`,
    details,
  );
}
