import pc from "picocolors";

/** Prints the title of a part. */
export function heading(number: string, title: string): void {
  console.log(`\n${pc.bold(pc.cyan(number))}  ${pc.bold(title)}`);
}

/** Prints one fact, with whom it is about. */
export function line(who: string, text: string): void {
  console.log(`   ${pc.yellow(who.padEnd(8))} ${text}`);
}

/** A size for people. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / (1024 * 1024)).toFixed(1)} MiB`;
}

/** A duration for people. */
export function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** Runs a task and measures it. */
export async function timed<T>(
  task: () => Promise<T>,
): Promise<{ readonly result: T; readonly milliseconds: number }> {
  const start = performance.now();
  const result = await task();
  return { result, milliseconds: performance.now() - start };
}
