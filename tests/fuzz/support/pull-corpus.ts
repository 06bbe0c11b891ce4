import { delimit, encodePageMessage, encodePullUpdatesHeader } from "@tributary/wire";
import { makeSqliteFiles } from "./sqlite-corpus.js";

const PAGE_SIZE = 4096;
const { database } = makeSqliteFiles(PAGE_SIZE);

function pullOf(pageIds: readonly number[], serverRevision: string): Uint8Array {
  const header = encodePullUpdatesHeader({
    serverRevision,
    databaseSize: database.length / PAGE_SIZE,
    encoding: "raw",
    applyMode: "incremental",
    protocol: "pages",
  });
  const pages = pageIds.map((id) =>
    encodePageMessage(id, database.subarray(id * PAGE_SIZE, (id + 1) * PAGE_SIZE)),
  );
  return Buffer.concat([delimit(header), ...pages]);
}

/** Answers to pulls: all pages of a database, some, none. */
export const PULL_ANSWERS: readonly Uint8Array[] = [
  pullOf([0, 1], "6f2a9c0e11d4b377-42"),
  pullOf([1], "r2"),
  pullOf([], ""),
];
