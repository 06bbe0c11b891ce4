/**
 * The tables that change streams keep inside the database, beside the tape, made when the first stream needs them. Like
 * the tape they are local and never travel; a pull of a replica carries them over. Cursors are positions of the stream:
 * `stream_base` (0 unless a pull restarted the tape) plus the id of a row of the tape.
 *
 * - `tributary_stream_peer`: receivers that are known by name, and how far each has acknowledged.
 * - `tributary_stream_source`: senders, and how far each has been applied. `heard` is the newest change of this site that
 *   the sender has said to have.
 * - `tributary_stream_part`: packages that wait for the rest of their transaction or snapshot.
 * - `tributary_stream_origin`: which cursors, `first` and `last` among them, were made at which site and came from which
 *   sender (`via`); what is not named was made here. `origin_cursor` 0 is not known.
 * - `tributary_stream_seen`: up to which of its own cursors the changes of a site have been applied here, and from which
 *   sender (`via`) they come: from one only, so that none comes twice and none is missed.
 * - `tributary_stream_kept`: rows of the tape from before a pull restarted it, by cursor, with all columns of the tape
 *   (`v0…` as wide); `ends` is 1 where a transaction ends.
 * - `tributary_stream_undo`: of a spoke, never of a replica: what repeating its unheard changes has done to the database
 *   (rows of the tape), by the cursor of the change. It takes them back before the next package.
 */
export const STREAM_TABLES = {
  peer: "tributary_stream_peer",
  source: "tributary_stream_source",
  part: "tributary_stream_part",
  origin: "tributary_stream_origin",
  seen: "tributary_stream_seen",
  kept: "tributary_stream_kept",
  undo: "tributary_stream_undo",
} as const;

/** Keys of `tributary_local` that belong to change streams. */
export const STREAM_VALUE = {
  /** Epoch of the cursors, integer: made at random with the tables. */
  epoch: "stream_epoch",
  /** What is added to an id of the tape to give its cursor, integer. Absent: 0. */
  base: "stream_base",
  /** Rows of the tape with ids up to here only repeat what had cursors before; streams pass them over. Absent: 0. */
  repeatedUpTo: "stream_repeated",
  /** Cursor up to which changes are no longer kept, integer. Absent: 0. */
  trimmedUpTo: "stream_trimmed",
  /** The hub of a spoke (`rebase`), text. Absent: it is none. */
  rebaseFrom: "stream_rebase_from",
  /** Changes of a spoke up to this cursor are taken back by `tributary_stream_undo`, later ones by the tape. Absent: 0. */
  redoneUpTo: "stream_redone",
  /** The database had tables before it was captured, integer 1: their rows are not on the tape. */
  hasOlderRows: "stream_older_rows",
} as const;

/** SQL that makes the tables where they are missing, but for `kept`, which a pull makes when it needs it. */
export const CREATE_STREAM_TABLES: string = `CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.peer} (name TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL, sent INTEGER NOT NULL, acknowledged_at INTEGER, added_at INTEGER NOT NULL, is_behind INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.source} (site TEXT PRIMARY KEY, epoch INTEGER NOT NULL, cursor INTEGER NOT NULL, heard INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.part} (site TEXT NOT NULL, number INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (site, number));
CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.origin} (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, origin TEXT NOT NULL, origin_cursor INTEGER NOT NULL, via TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.seen} (origin TEXT PRIMARY KEY, cursor INTEGER NOT NULL, via TEXT NOT NULL) WITHOUT ROWID;`;

/** SQL that makes `undo`, which spokes have. */
export const CREATE_UNDO_TABLE: string = `CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.undo} (cursor INTEGER PRIMARY KEY, rows BLOB NOT NULL)`;

/** SQL that makes `kept` where it is missing, with room for as many values as the tape has columns `v0…`. */
export function createKeptSql(values: number): string {
  const columns = Array.from({ length: values }, (_, index) => `v${index}`).join(", ");
  return `CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.kept} (cursor INTEGER PRIMARY KEY, ends INTEGER NOT NULL, shape INTEGER NOT NULL, op INTEGER NOT NULL, parked INTEGER, ${columns})`;
}
