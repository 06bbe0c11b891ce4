import type { DatabaseStatus } from "@tributary/server";
import { Gauge, type Registry } from "prom-client";

/** The label of all databases together that are not told apart; no database can have this name. */
const OTHERS = "(others)";

const GAUGES: readonly (readonly [name: string, help: string, value: (status: DatabaseStatus) => number])[] =
  [
    ["bytes", "Length of the database, without its WAL.", ({ databaseBytes }) => databaseBytes],
    ["wal_bytes", "Length of its WAL.", ({ walBytes }) => walBytes],
    ["revision_sequence", "Commits in its history; starts over with a new history.", revisionSequence],
    ["streams", "SQL streams that are open.", ({ streams }) => streams],
    ["waiters", "Requests that wait for a commit.", ({ waiters }) => waiters],
    ["waiting_writers", "Transactions that wait for the write lock.", ({ waitingWriters }) => waitingWriters],
    [
      "maintenance_failing",
      "1 while housekeeping, such as checkpoints, does not get on.",
      ({ maintenanceError }) => (maintenanceError === undefined ? 0 : 1),
    ],
  ];

/**
 * Gauges of the databases that are open. The number of labels is bounded over the life of the process: the first
 * databases that are seen keep theirs, all others are added up.
 */
export class DatabaseMetrics {
  readonly #labels = new Set<string>();
  readonly #maxLabels: number;

  constructor(
    registry: Registry,
    prefix: string,
    maxLabels: number,
    databases: () => readonly DatabaseStatus[],
  ) {
    this.#maxLabels = maxLabels;
    for (const [name, help, value] of GAUGES) {
      const label = (database: string): string => this.#labelOf(database);
      new Gauge({
        name: `${prefix}database_${name}`,
        help,
        labelNames: ["database"],
        registers: [registry],
        collect() {
          this.reset();
          for (const status of databases()) this.inc({ database: label(status.name) }, value(status));
        },
      });
    }
  }

  #labelOf(database: string): string {
    if (this.#labels.size < this.#maxLabels) this.#labels.add(database);
    return this.#labels.has(database) ? database : OTHERS;
  }
}

/** The count in a revision of the server; 0 where it has another form. */
function revisionSequence({ revision }: DatabaseStatus): number {
  return Number(/^[0-9a-f]+-([0-9]+)-/.exec(revision ?? "")?.[1] ?? 0);
}
