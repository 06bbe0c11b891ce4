import { type ChangeStreamsParts, DatabaseStreams } from "./database-streams.js";

/** Makes the change streams of a database that the caller has open: `openCapturedDatabase` does, and a replica. */
export function createChangeStreams(parts: ChangeStreamsParts): DatabaseStreams {
  return new DatabaseStreams(parts);
}
