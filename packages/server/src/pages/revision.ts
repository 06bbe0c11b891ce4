/** One committed state of a database, as this server names it. */
export interface Revision {
  /**
   * Chosen at random by each start of the server, for the commits that it finds, and whenever the history before can no
   * longer be told.
   */
  readonly epoch: string;
  /** Counts the commits of the history, from 1, over restarts. */
  readonly sequence: number;
  /**
   * The running checksum of the WAL at the end of the commit. Tells the commit from another one in its place, which
   * there can be where the machine lost what a program had not made durable.
   */
  readonly check: string;
}

/** Of a revision that was not found as a commit in the WAL. */
export const NO_CHECK = "0000000000000000";

const PATTERN = /^([0-9a-f]{16})-([1-9][0-9]{0,14})-([0-9a-f]{16})$/;

/** The string that clients see and must not interpret. */
export function formatRevision({ epoch, sequence, check }: Revision): string {
  return `${epoch}-${sequence}-${check}`;
}

/** Reads a revision back; undefined for one that this server cannot have given out. */
export function parseRevision(text: string): Revision | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  return { epoch: match[1] as string, sequence: Number(match[2]), check: match[3] as string };
}

/** Whether both name the same state. */
export function sameRevision(left: Revision | undefined, right: Revision): boolean {
  return left?.sequence === right.sequence && left.epoch === right.epoch && left.check === right.check;
}
