/** A position on a tape. */
export interface TapePosition {
  readonly pullGeneration: number;
  readonly changeId: number;
}

/** Whether a position lies before another; `undefined` is that of a client that has pushed nothing. */
export function isBefore(position: TapePosition | undefined, other: TapePosition | undefined): boolean {
  if (other === undefined) return false;
  if (position === undefined || position.pullGeneration < other.pullGeneration) return true;
  return position.pullGeneration === other.pullGeneration && position.changeId < other.changeId;
}
