import type { RowChange } from "@tributary/core";

/** Does something with each change, and lets others on now and then: `giveWay` as that of `TimeSlice`. */
export async function eachChange(
  changes: Iterable<RowChange>,
  giveWay: () => Promise<void> | undefined,
  work: (change: RowChange) => void,
): Promise<void> {
  for (const change of changes) {
    work(change);
    const turn = giveWay();
    if (turn !== undefined) await turn;
  }
}
