import type { DatabaseStatus, ServerStatus } from "@tributary/server";
import { type ConnectionOptions, connect } from "../client/connect.js";
import { formatBytes } from "../client/format-bytes.js";
import { formatTable } from "../client/format-table.js";

/** Shows the open databases and what the server does. */
export async function showStatus(options: ConnectionOptions & { readonly json?: boolean }): Promise<void> {
  const client = connect(options);
  const [status, names] = await Promise.all([client.status(), client.list()]);
  console.log(options.json === true ? JSON.stringify(status, undefined, 2) : describe(status, names.length));
}

function describe({ databases, workers, requests, sockets }: ServerStatus, total: number): string {
  const heading = ["DATABASE", "SIZE", "WAL", "STREAMS", "WAITING PULLS", "WAITING WRITES", "STATE"];
  const summary = [
    `databases  ${total}, of which ${databases.length} open`,
    `workers    ${workers.running} running, ${workers.busy} busy, ${workers.waiting} requests waiting for one`,
    `requests   ${requests}`,
    `sockets    ${sockets}`,
  ].join("\n");
  return databases.length === 0
    ? summary
    : `${summary}\n\n${formatTable([heading, ...databases.map(rowOf)])}`;
}

function rowOf(status: DatabaseStatus): string[] {
  const { name, databaseBytes, walBytes, streams, waiters, waitingWriters, maintenanceError } = status;
  return [
    name,
    formatBytes(databaseBytes),
    formatBytes(walBytes),
    String(streams),
    String(waiters),
    String(waitingWriters),
    maintenanceError ?? "ok",
  ];
}
