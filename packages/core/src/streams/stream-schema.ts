/**
 * The tables that change streams keep inside the database, beside the tape, made when the first stream needs them. Like
 * the tape they are local and never travel; a pull of a replica carries them over. Cursors are positions of the stream:
 * `stream_base` (0 unless a pull restarted the tape) plus the id of a row of the tape.
 *
 * - `tributary_stream_peer`: receivers that are known by name, and how far each has acknowledged.
 * - `tributary_stream_source`: senders, and how far each has been applied. `heard` is the newest change of this site that
 *   the sender has said to have.
 * - `tributary_stream_part`: packages that wait for the rest of their transaction or snapshot.
 * - `tributary_stream_origin`: which cursors `first` to `last` were applied from whom; what is not named was made here.
 * - `tributary_stream_kept`: rows of the tape from before a pull restarted it, by cursor, with all columns of the tape
 *   (`v0…` as wide); `ends` is 1 where a transaction ends.
 */
export const STREAM_TABLES = {
  peer: "tributary_stream_peer",
  source: "tributary_stream_source",
  part: "tributary_stream_part",
  origin: "tributary_stream_origin",
  kept: "tributary_stream_kept",
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
} as const;

/** SQL that makes the tables where they are missing, but for `kept`, which a pull makes when it needs it. */
export const CREATE_STREAM_TABLES: string = `CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.peer} (name TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL, sent INTEGER NOT NULL, acknowledged_at INTEGER, added_at INTEGER NOT NULL, is_behind INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.source} (site TEXT PRIMARY KEY, epoch INTEGER NOT NULL, cursor INTEGER NOT NULL, heard INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.part} (site TEXT NOT NULL, number INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (site, number));
CREATE TABLE IF NOT EXISTS main.${STREAM_TABLES.origin} (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, origin TEXT NOT NULL, origin_cursor INTEGER NOT NULL);`;
