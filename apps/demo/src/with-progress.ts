import { Presets, SingleBar } from "cli-progress";

/** Runs a task behind a progress bar; where the output is not a terminal, nothing is drawn. */
export async function withProgress<T>(
  name: string,
  unit: string,
  task: (report: (done: number, total: number | undefined) => void) => Promise<T>,
): Promise<T> {
  const bar = new SingleBar(
    {
      format: `   ${name.padEnd(8)} {bar} {percentage} % of {total} ${unit}`,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let started = false;
  try {
    return await task((done, total) => {
      if (total === undefined) return;
      if (!started) bar.start(total, 0);
      started = true;
      bar.update(done);
    });
  } finally {
    if (started) bar.stop();
  }
}
