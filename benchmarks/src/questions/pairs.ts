import { CLIENT_NAMES, type ClientKind } from "../peers/client.js";
import {
  SERVER_NAMES,
  type ServerKind,
  type ServerProcess,
  startBareServer,
  startServer,
} from "../peers/server-process.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Case, Measurement, Scale } from "../question.js";

/** A client and a server. */
export type Pair = readonly [ClientKind, ServerKind];

/** What a case of a pair gets. */
export interface PairContext {
  readonly client: ClientKind;
  readonly server: ServerProcess;
  /** Empty, and deleted afterwards. */
  readonly directory: string;
  readonly scale: Scale;
}

export const ALL_PAIRS: readonly Pair[] = [
  ["tributary", "tributary"],
  ["turso", "tributary"],
  ["tributary", "turso"],
  ["turso", "turso"],
];
/** Each one's client with its own server. */
export const OWN_PAIRS: readonly Pair[] = [
  ["tributary", "tributary"],
  ["turso", "turso"],
];

export const OURS: string = pairName(["tributary", "tributary"]);
export const THEIRS: string = pairName(["turso", "turso"]);

/** A case for each combination of a client and a server, each run with a fresh server. The short form leaves mixed ones out. */
export function pairCases(
  run: (context: PairContext) => Promise<Measurement>,
  pairs: readonly Pair[] = ALL_PAIRS,
): Case[] {
  return pairs.map((pair) => ({
    name: pairName(pair),
    onlyInFull: pair[0] !== pair[1],
    run: (scale) =>
      withServer(pair[1], (server, directory) => run({ client: pair[0], server, directory, scale })),
  }));
}

/** Runs something with a fresh server, whose file is `server.db` in a directory that is deleted afterwards. */
export async function withServer<T>(
  kind: ServerKind | "bare",
  run: (server: ServerProcess, directory: string) => Promise<T>,
  options: Parameters<typeof startServer>[2] = {},
): Promise<T> {
  return await inTemporaryDirectory(async (directory) => {
    const server =
      kind === "bare" ? await startBareServer() : await startServer(kind, `${directory}/server.db`, options);
    try {
      return await run(server, directory);
    } finally {
      await server.end();
    }
  });
}

export function pairName([client, server]: Pair): string {
  return `${CLIENT_NAMES[client]} – ${SERVER_NAMES[server]}`;
}
