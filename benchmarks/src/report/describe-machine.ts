import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
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

const PEERS = ["better-sqlite3", "@tursodatabase/sync", "turso", "@vlcn.io/wa-sqlite"];

export function describeMachine(): MachineDescription {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.versions.node,
    versions: Object.fromEntries(PEERS.map((name) => [name, versionOf(name)])),
    commit: commitOf(),
  };
}

/** Not by `require`: some packages do not export their own description. */
function versionOf(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
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
