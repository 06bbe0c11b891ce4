import { ENTER_FUNCTION } from "../capture/mark-trigger.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";

const MARKED = `type = 'trigger' AND instr(sql, ' SELECT ${ENTER_FUNCTION}();') > 0`;
/** All of a table's triggers are made anew, because the order in which they fire depends on that. */
const TRIGGERS_SQL = `SELECT name, sql, ${MARKED} FROM main.sqlite_schema
WHERE type = 'trigger' AND tbl_name IN (SELECT tbl_name FROM main.sqlite_schema WHERE ${MARKED}) ORDER BY rowid`;

interface Trigger {
  readonly name: string;
  readonly sql: string;
  readonly isMarked: boolean;
}

/** Whether the app has triggers whose effects are rows of captured tables. */
export function* hasEffects(): Coroutine<boolean> {
  return (
    (yield* io.querySql("writer", `SELECT 1 FROM main.sqlite_schema WHERE ${MARKED} LIMIT 1`)).length > 0
  );
}

/**
 * Does work during which the app's triggers that write captured tables do not run: because their effects are among what is
 * written. Those that write virtual tables only, full-text indexes say, do: such effects are recorded nowhere.
 */
export function* withoutEffects(work: () => Coroutine<void>): Coroutine<void> {
  const rows = yield* io.querySql("writer", TRIGGERS_SQL);
  const triggers = rows.map(
    ([name, sql, isMarked]): Trigger => ({
      name: String(name),
      sql: String(sql),
      isMarked: isMarked === 1n,
    }),
  );
  yield* drop(triggers);
  yield* make(triggers.filter(({ isMarked }) => !isMarked));
  yield* work();
  // Those too that the work has made meanwhile: what was here stays.
  yield* drop(triggers);
  yield* make(triggers);
}

// As queries, which capture does not look at: these are no changes of the schema to tell anybody of.

function* drop(triggers: readonly Trigger[]): Coroutine<void> {
  for (const { name } of triggers) {
    yield* io.querySql("writer", `DROP TRIGGER IF EXISTS main.${quoteIdentifier(name)}`);
  }
}

function* make(triggers: readonly Trigger[]): Coroutine<void> {
  for (const { sql } of triggers) {
    // A TEMP table of the same name would attract a trigger whose name has no schema in front.
    const made = sql.replace(/^CREATE TRIGGER (?:IF NOT EXISTS )?/i, "CREATE TRIGGER main.");
    yield* io.querySql("writer", made);
  }
}
