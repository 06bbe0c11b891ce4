/**
 * The tables that a replica keeps inside the local database, beside the app's own. They are part of L only: a pull
 * rolls them back with everything else and makes them anew, and they never travel. Being in the same file, a change
 * and its record on the tape commit together.
 *
 * - `tributary_tape`: the local changes in order. `id` is the change id. A row change carries the id of its shape and
 *   the images of the row in `v0…`: the after image of an insert, the before image of a delete, both (before, then
 *   after) of an update. A schema change has shape 0 and its SQL text in `v0`. `parked` is 1 for a change that has no
 *   place in the remote schema any more: it is kept, but not pushed.
 * - `tributary_shape`: what the values of a row change mean, as JSON (see TableShape).
 * - `tributary_local`: named values of this replica.
 */
export const TAPE_TABLE = "tributary_tape";
export const SHAPE_TABLE = "tributary_shape";
export const LOCAL_TABLE = "tributary_local";

/** Every object of Tributary's in a local database has a name with this prefix; the app's may not. */
export const RESERVED_PREFIX = "tributary_";

/** Table of the Turso protocol that records how far each client has pushed. Belongs to the remote, and travels. */
export const PUSH_POSITION_TABLE = "turso_sync_last_change_id";

/** Values of the `op` column. A gap is no change: it keeps change ids that may have been used from being used again. */
export const TAPE_OPERATION = { insert: 1, update: 2, delete: 3, schema: 4, gap: 5 } as const;

/**
 * Added to the operation of a row change that a trigger of the app made, in a spoke of change streams only: such a change
 * is no change of its own, because the trigger makes it where the change lands that it is an effect of, but is taken back
 * with it.
 */
export const TAPE_EFFECT = 8;

/**
 * How many change ids a gap leaves out. After a power cut the newest changes may be missing that were pushed before it
 * (with `synchronous` below FULL); were their ids given anew, the remote would take the new changes for the old ones.
 */
export const GAP_IDS = 4_294_967_296;

/** Keys of `tributary_local`. */
export const LOCAL_VALUE = {
  /** The client id, text: kept here too because the metadata file is only a cache. */
  clientId: "client_id",
  /** How many pulls have restarted the tape, integer. */
  pullGeneration: "pull_generation",
  /** Id of the replay journal whose replay made this state, text. */
  journalId: "journal_id",
  /** Transaction boundaries noted before the connections were last closed, JSON array of change ids. */
  boundaries: "boundaries",
  /** Set in a database that is captured and no replica, integer: 1 while it is open, 0 when it was closed. */
  captured: "captured",
} as const;

/** Columns of the tape before the values. */
export const TAPE_FIXED_COLUMNS = ["id", "shape", "op", "parked"] as const;

/** SQLite's limit on columns of a table, less the fixed ones: an update needs two images. */
export const MAX_TAPE_VALUES: number = 2000 - TAPE_FIXED_COLUMNS.length;

/**
 * Values that a tape has room for at least. No more than the widest table needs, since a row costs a byte, and time, for
 * each of the tape's columns, also for those that it leaves out. Capture adds columns (`ALTER TABLE … ADD COLUMN`) when a
 * wider table appears.
 */
export const LEAST_TAPE_VALUES = 4;

/** SQL that makes the three tables where they are missing. */
export function createTapeSql(values: number = LEAST_TAPE_VALUES): string {
  const columns = Array.from({ length: values }, (_, index) => `v${index}`).join(", ");
  return `CREATE TABLE IF NOT EXISTS main.${TAPE_TABLE} (id INTEGER PRIMARY KEY, shape INTEGER NOT NULL, op INTEGER NOT NULL, parked INTEGER, ${columns});
CREATE TABLE IF NOT EXISTS main.${SHAPE_TABLE} (id INTEGER PRIMARY KEY, description TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS main.${LOCAL_TABLE} (name TEXT PRIMARY KEY, value) WITHOUT ROWID;`;
}
