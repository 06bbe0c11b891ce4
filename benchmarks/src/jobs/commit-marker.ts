const PATTERN = /^(\d{18}) ns/;

/** A text that a page is looked for, of a commit that is made now. Always of the same length. */
export function commitMarker(commit: number): string {
  return `${beginning(commit)}${String(process.hrtime.bigint()).padStart(18, "0")} ns`;
}

/** How long ago the commit was made that a page is of, ms; `undefined` if it is of none with that number. */
export function ageOfCommit(page: Buffer, commit: number): number | undefined {
  const begin = beginning(commit);
  const at = page.indexOf(begin);
  if (at < 0) return undefined;
  const from = at + begin.length;
  const made = PATTERN.exec(page.toString("latin1", from, from + 21))?.[1];
  return made === undefined ? undefined : Number(process.hrtime.bigint() - BigInt(made)) / 1e6;
}

function beginning(commit: number): string {
  return `commit ${String(commit).padStart(6, "0")} at `;
}
