import { Transform } from "node:stream";
import { formatBytes } from "./format-bytes.js";

/** How often the line is written anew, ms. */
const INTERVAL_MS = 200;

/**
 * Passes bytes on, and shows on a terminal how many went through: with a percentage where the total is known. Writes
 * nothing where stderr is no terminal.
 */
export function progress(
  what: string,
  total: number | undefined,
  output: NodeJS.WriteStream = process.stderr,
): Transform {
  let bytes = 0;
  let shownAt = 0;
  const show = (): void => {
    const share = total === undefined || total === 0 ? "" : ` (${Math.floor((100 * bytes) / total)} %)`;
    output.write(`\r\x1b[K${what}: ${formatBytes(bytes)}${share}`);
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (output.isTTY && performance.now() - shownAt > INTERVAL_MS) {
        shownAt = performance.now();
        show();
      }
      done(null, chunk);
    },
    final(done) {
      if (output.isTTY) show();
      done();
    },
    // Also where it breaks off: what is said of that begins a line of its own.
    destroy(error, done) {
      if (shownAt > 0 || (output.isTTY && error === null)) output.write("\n");
      done(error);
    },
  });
}
