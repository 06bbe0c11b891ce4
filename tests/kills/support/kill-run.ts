import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom, type SeededRandom } from "@tributary/testkit";

/** Rounds in all, over every kind of kill. */
const ROUNDS = numberOf("TRIBUTARY_KILLS", 200);
const SEED = numberOf("TRIBUTARY_KILLS_SEED", 1);
const KEEPS_FILES = process.env.TRIBUTARY_KILLS_KEEP === "1";

/** How many rounds in a hundred belong to each kind. */
const SHARES = { working: 42, bootstrap: 12, closing: 10, holder: 2, server: 24, both: 10 } as const;

/** A kind of kill. */
export type KillKind = keyof typeof SHARES;

/** What a test of kills runs in. */
export interface KillRun {
  /** Gone when the test has ended, unless it failed and `TRIBUTARY_KILLS_KEEP=1` says to keep it. */
  readonly directory: string;
  /** At least 1. */
  readonly rounds: number;
  readonly random: SeededRandom;
  /** Ends a process or closes what is open when the test has ended, in the opposite order. */
  atEnd(end: () => unknown): void;
}

/**
 * Runs a test of one kind. Its choices come from the seed; when exactly a signal strikes is up to the operating system,
 * so a failure may take several runs of the same seed to come back.
 */
export async function runKills(kind: KillKind, body: (run: KillRun) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `tributary-kills-${kind}-`));
  const ends: (() => unknown)[] = [];
  let keeps = false;
  try {
    await body({
      directory,
      rounds: Math.max(1, Math.round((ROUNDS * SHARES[kind]) / 100)),
      // Every kind has numbers of its own, so that one can be run again without the others.
      random: createRandom(SEED * 101 + Object.keys(SHARES).indexOf(kind)),
      atEnd: (end) => void ends.push(end),
    });
  } catch (error) {
    keeps = KEEPS_FILES;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`${text}\n\n${replayHint(kind, keeps ? directory : undefined)}`, { cause: error });
  } finally {
    for (const end of ends.reverse()) await end();
    if (!keeps) rmSync(directory, { recursive: true, force: true });
  }
}

/** For a test of kills; they need far less. */
export const KILLS_TIMEOUT_MS: number = 120_000 + ROUNDS * 3_000;

function replayHint(kind: KillKind, kept: string | undefined): string {
  const files = kept ?? "removed; with TRIBUTARY_KILLS_KEEP=1 those of a failure are kept";
  const command = `TRIBUTARY_KILLS=${ROUNDS} TRIBUTARY_KILLS_SEED=${SEED} npm test -- tests/kills -t ${kind}:`;
  return `Seed ${SEED}. Again: ${command}\n(with the same choices, but not to the microsecond at the same moments)\nFiles: ${files}`;
}

function numberOf(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`${name} must be a whole number, not ${text}`);
  return value;
}
