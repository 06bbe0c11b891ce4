/** One committed state of a database, as this server names it. */
export interface Revision {
  /** Chosen at random whenever the history before it can no longer be told. */
  readonly epoch: string;
  /** Counts the commits of the epoch, from 1. */
  readonly sequence: number;
}

const PATTERN = /^([0-9a-f]{16})-([1-9][0-9]{0,14})$/;

/** The string that clients see and must not interpret. */
export function formatRevision(revision: Revision): string {
  return `${revision.epoch}-${revision.sequence}`;
}

/** Reads a revision back; undefined for one that this server cannot have given out. */
export function parseRevision(text: string): Revision | undefined {
  const match = PATTERN.exec(text);
  return match === null ? undefined : { epoch: match[1] as string, sequence: Number(match[2]) };
}
