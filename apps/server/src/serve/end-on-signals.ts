import type { Logger } from "pino";
import { EXIT_CODES } from "../exit-codes.js";
import { describeError } from "../logging/describe-error.js";
import type { RunningServer } from "../start-server.js";

/** How long closing may take after the requests had their time, ms. */
const CLOSE_MS = 5_000;

/** Ends the program on SIGINT and SIGTERM: in order, and on the second signal at once. */
export function endOnSignals(server: RunningServer, timeoutMs: number, logger: Logger): void {
  let isEnding = false;
  const end = (signal: NodeJS.Signals): void => {
    if (isEnding) {
      logger.warn({ signal }, "ending at once");
      process.exit(EXIT_CODES.cutShort);
    }
    isEnding = true;
    logger.info({ signal }, "shutting down");
    setTimeout(() => {
      logger.error("closing takes too long: ending at once");
      process.exit(EXIT_CODES.cutShort);
    }, timeoutMs + CLOSE_MS);
    server.shutdown(timeoutMs).then(
      (isFinished) => {
        if (isFinished) logger.info("ended");
        else logger.warn("ended before all requests had finished");
        process.exit(isFinished ? EXIT_CODES.clean : EXIT_CODES.cutShort);
      },
      (error: unknown) => {
        logger.error({ error: describeError(error) }, "could not close");
        process.exit(EXIT_CODES.failed);
      },
    );
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
}
