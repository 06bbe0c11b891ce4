import type { ServerStatus } from "@tributary/server";
import type { Logger } from "pino";

/** Logs when housekeeping of a database begins to fail, fails for another reason, and gets on again. */
export class MaintenanceLog {
  readonly #logger: Logger;
  readonly #status: () => ServerStatus;
  readonly #failing = new Map<string, string>();

  constructor(status: () => ServerStatus, logger: Logger) {
    this.#status = status;
    this.#logger = logger;
  }

  /** Looks at the databases that are open, and logs what is new. */
  look(): void {
    const errors = new Map(
      this.#status().databases.map(({ name, maintenanceError }) => [name, maintenanceError]),
    );
    for (const [database, error] of errors) {
      if (error === undefined || error === this.#failing.get(database)) continue;
      this.#failing.set(database, error);
      this.#logger.error({ database, reason: error }, "housekeeping fails, and is tried again");
    }
    for (const database of this.#failing.keys()) {
      if (errors.get(database) !== undefined) continue;
      this.#failing.delete(database);
      this.#logger.info({ database }, "housekeeping gets on again");
    }
  }
}
