import { CLIENT_NAMES, type ClientKind } from "../peers/client.js";
import { SERVER_NAMES, type ServerKind, type ServerProcess, startServer } from "../peers/server-process.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Case, Measurement, Scale } from "../question.js";

/** What a case of a pair gets. */
export interface PairContext {
  readonly client: ClientKind;
  readonly server: ServerProcess;
  /** Empty, and deleted afterwards. */
  readonly directory: string;
  readonly scale: Scale;
}

const PAIRS: readonly (readonly [ClientKind, ServerKind])[] = [
  ["tributary", "tributary"],
  ["turso", "tributary"],
  ["tributary", "turso"],
  ["turso", "turso"],
];

export const OURS: string = pairName("tributary", "tributary");
export const THEIRS: string = pairName("turso", "turso");

/** A case for each combination of a client and a server, each run with a fresh server. */
export function pairCases(run: (context: PairContext) => Promise<Measurement>): Case[] {
  return PAIRS.map(([client, kind]) => ({
    name: pairName(client, kind),
    run: (scale) =>
      inTemporaryDirectory(async (directory) => {
        const server = await startServer(kind, `${directory}/server.db`);
        try {
          return await run({ client, server, directory, scale });
        } finally {
          await server.end();
        }
      }),
  }));
}

function pairName(client: ClientKind, server: ServerKind): string {
  return `${CLIENT_NAMES[client]} – ${SERVER_NAMES[server]}`;
}
