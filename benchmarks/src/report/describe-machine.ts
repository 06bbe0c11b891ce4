import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { arch, cpus, platform, release, totalmem } from "node:os";

/** Where and of what the figures are. */
export interface MachineDescription {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly commit: string;
}

const PEERS = ["better-sqlite3", "@tursodatabase/sync", "turso"];

export function describeMachine(): MachineDescription {
  const require = createRequire(import.meta.url);
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.versions.node,
    versions: Object.fromEntries(
      PEERS.map((name) => [name, (require(`${name}/package.json`) as { version: string }).version]),
    ),
    commit: commitOf(),
  };
}

function commitOf(): string {
  try {
    const dirty =
      execFileSync("git", ["status", "--porcelain"], { encoding: "utf8" }) === "" ? "" : ", changed";
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim() + dirty;
  } catch {
    return "unknown";
  }
}
