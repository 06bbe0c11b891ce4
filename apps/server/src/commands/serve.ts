import type { Logger } from "pino";
import { loadAccess } from "../access/load-access.js";
import { createLogger } from "../logging/create-logger.js";
import { describeError } from "../logging/describe-error.js";
import { logRequest } from "../logging/log-request.js";
import type { OptionValues } from "../options/option-table.js";
import { toSyncOptions } from "../options/to-sync-options.js";
import { UsageError } from "../options/usage-error.js";
import { endOnSignals } from "../serve/end-on-signals.js";
import { MaintenanceLog } from "../serve/maintenance-log.js";
import type { Reloadable } from "../serve/reloadable.js";
import { readTlsFiles } from "../serve/tls-files.js";
import { type RunningServer, startServer } from "../start-server.js";

/** How often it is looked whether housekeeping gets on, ms. */
const MAINTENANCE_LOOK_MS = 5_000;

/** Serves until a signal comes. Rejects where it cannot start. */
export async function serve(options: OptionValues): Promise<void> {
  const logger = createLogger(
    options.logLevel,
    options.logFormat ?? (process.stderr.isTTY ? "text" : "json"),
  );
  const { server, files } = await start(options, logger);
  // Read by programs and people: the only line on stdout.
  console.log(`tributary-server listening on ${server.url}`);
  logger.info({ url: server.url }, "listening");
  const maintenance = new MaintenanceLog(server.status, logger);
  setInterval(() => maintenance.look(), MAINTENANCE_LOOK_MS).unref();
  process.on("SIGHUP", () => void reloadAll(files, logger));
  process.on("uncaughtException", (error) => {
    logger.error({ error: describeError(error) }, "crashed");
    process.exit(1);
  });
  endOnSignals(server, options.shutdownTimeout, logger);
}

/** Starts what the options describe. Rejects with `UsageError`, `ServerError`, or Node's error where it cannot listen. */
export async function start(
  options: OptionValues,
  logger: Logger,
): Promise<{ readonly server: RunningServer; readonly files: readonly Reloadable[] }> {
  const { db, data, listen, tlsCert, tlsKey, metricsDatabases } = options;
  const mistakes: string[] = [];
  const access = await loadAccess(options).catch(noteIn(mistakes));
  const hasTls = tlsCert !== undefined && tlsKey !== undefined;
  const tls = hasTls ? await readTlsFiles(tlsCert, tlsKey).catch(noteIn(mistakes)) : undefined;
  if (mistakes.length > 0 || access === undefined) throw new UsageError(mistakes);
  const server = await startServer({
    ...(db === undefined ? {} : { db }),
    ...(data === undefined ? {} : { data }),
    listen,
    sync: {
      ...toSyncOptions(options),
      authorize: access.authorize,
      onRequest: (report) => logRequest(logger, report),
    },
    tls,
    trustProxy: options.trustProxy,
    maxHeaderBytes: options.maxHeader,
    headerTimeoutMs: options.headerTimeout,
    requestTimeoutMs: options.requestTimeout,
    metrics: options.metrics ? { maxDatabases: metricsDatabases, isOpen: !access.hasTokens } : undefined,
  });
  const files = [...access.files];
  if (hasTls) {
    const reload = async (): Promise<void> => server.setTls(await readTlsFiles(tlsCert, tlsKey));
    files.push({ what: `certificate ${tlsCert}`, reload });
  }
  return { server, files };
}

/** Takes the files as they are now; one that is broken does not keep the others. */
export async function reloadAll(files: readonly Reloadable[], logger: Logger): Promise<void> {
  for (const { what, reload } of files) {
    try {
      await reload();
      logger.info({ what }, "read again");
    } catch (error) {
      logger.error(
        { what, error: describeError(error) },
        "cannot be read again: what was read before stays in force",
      );
    }
  }
  if (files.length === 0) logger.info("SIGHUP: there is no file to read again");
}

function noteIn(mistakes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof UsageError) mistakes.push(...error.mistakes);
    else mistakes.push(error instanceof Error ? error.message : String(error));
  };
}
