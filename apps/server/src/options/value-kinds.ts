import type { StaticToken } from "@tributary/server";
import { z } from "zod";
import { parseTokens } from "../access/parse-tokens.js";
import { parseListenAddress } from "../listen-address.js";

const LOG_LEVELS: readonly ["error", "warn", "info", "debug", "silent"] = [
  "error",
  "warn",
  "info",
  "debug",
  "silent",
];
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What each kind of option value becomes: sizes are bytes, times milliseconds. */
export interface KindValues {
  readonly size: number;
  readonly time: number;
  /** The same, for what no timer waits for: as long as one likes. */
  readonly period: number;
  readonly count: number;
  readonly switch: boolean;
  readonly file: string;
  readonly directory: string;
  readonly text: string;
  readonly host: string;
  readonly address: string;
  readonly origins: readonly string[];
  readonly databases: readonly string[];
  readonly merging: "merge" | "strict";
  readonly probe: "offline" | "embedded";
  readonly access: "read" | "write";
  readonly level: LogLevel;
  readonly format: "json" | "text";
  readonly tokens: readonly StaticToken[];
}

/** One kind of option value. */
export interface ValueKind<T> {
  /** What stands for it in the help: `<size>`; undefined for what takes no value. */
  readonly placeholder: string | undefined;
  /** Reads text of a flag or a variable, or a value of the configuration file. Its issues say what is allowed. */
  readonly schema: z.ZodType<T>;
  /** May be given several times. */
  readonly isList?: true;
  /** Must not be shown. */
  readonly isSecret?: boolean;
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const TIME_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Timers of Node that are to take longer, by little, end at once. Some options have a few seconds added. */
const MAX_TIME_MS = 24 * 86_400_000;

/** How option values are read. */
export const VALUE_KINDS: { readonly [K in keyof KindValues]: ValueKind<KindValues[K]> } = {
  size: { placeholder: "size", schema: reader("must be a size such as 64KiB, 256MiB or 16GiB", readSize) },
  time: {
    placeholder: "time",
    schema: reader("must be a time such as 500ms, 30s or 5m, 24d at most", readTime),
  },
  period: { placeholder: "time", schema: reader("must be a time such as 12h or 30d", readPeriod) },
  count: { placeholder: "number", schema: reader("must be a whole number of 0 or more", readCount) },
  switch: { placeholder: undefined, schema: reader("must be true or false", readSwitch) },
  file: { placeholder: "file", schema: reader("must name a file", readPath) },
  directory: { placeholder: "directory", schema: reader("must name a directory", readPath) },
  text: { placeholder: "text", schema: reader("must not be empty", readText) },
  host: {
    placeholder: "host",
    schema: reader('must be a host name in lower case, such as "sync.example.com"', readHost),
  },
  address: {
    placeholder: "host:port",
    schema: reader("must be HOST:PORT, such as 127.0.0.1:8080", readAddress),
  },
  origins: {
    placeholder: "origin",
    isList: true,
    schema: reader('must be origins such as "https://app.example", or "*"', readOrigins),
  },
  databases: {
    placeholder: "names",
    isList: true,
    schema: reader('must be names of databases, such as "acme" or "acme,globex"', readDatabases),
  },
  merging: { placeholder: "merge|strict", schema: choice(["merge", "strict"]) },
  probe: { placeholder: "offline|embedded", schema: choice(["offline", "embedded"]) },
  access: { placeholder: "read|write", schema: choice(["read", "write"]) },
  level: { placeholder: "level", schema: choice(LOG_LEVELS) },
  format: { placeholder: "json|text", schema: choice(["json", "text"]) },
  tokens: {
    placeholder: "tokens",
    isSecret: true,
    schema: z.unknown().transform((raw, context) => {
      try {
        return parseTokens(typeof raw === "string" ? raw : JSON.stringify(raw));
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message });
        return z.NEVER;
      }
    }),
  },
};

/** A schema that accepts what `read` gives a value for. */
function reader<T>(allowed: string, read: (raw: unknown) => T | undefined): z.ZodType<T> {
  return z.unknown().transform((raw, context) => {
    const value = read(raw);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: allowed });
    return z.NEVER;
  });
}

function choice<const T extends string>(words: readonly T[]): z.ZodType<T> {
  const last = words.at(-1);
  return reader(`must be ${words.slice(0, -1).join(", ")} or ${last}`, (raw) =>
    words.find((word) => word === raw),
  );
}

function readSize(raw: unknown): number | undefined {
  return readQuantity(typeof raw === "number" ? `${raw}` : raw, SIZE_UNITS);
}

function readTime(raw: unknown): number | undefined {
  const value = readPeriod(raw);
  return value === undefined || value > MAX_TIME_MS ? undefined : value;
}

/** A bare number would be taken for seconds by some and milliseconds by others: only 0 needs no unit. */
function readPeriod(raw: unknown): number | undefined {
  return raw === 0 || raw === "0" ? 0 : readQuantity(raw, TIME_UNITS);
}

function readQuantity(raw: unknown, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof raw !== "string") return undefined;
  const match = /^([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)$/.exec(raw);
  const unit =
    match === null || !Object.hasOwn(units, match[2] as string) ? undefined : units[match[2] as string];
  if (match === null || unit === undefined) return undefined;
  if (unit === 1 && match[1]?.includes(".") === true) return undefined;
  const value = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(value) ? value : undefined;
}

function readCount(raw: unknown): number | undefined {
  if (typeof raw === "string" && !/^[0-9]{1,15}$/.test(raw)) return undefined;
  const value = typeof raw === "string" ? Number(raw) : raw;
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function readSwitch(raw: unknown): boolean | undefined {
  if (raw === true || raw === "true" || raw === "1" || raw === "yes") return true;
  if (raw === false || raw === "false" || raw === "0" || raw === "no") return false;
  return undefined;
}

function readText(raw: unknown): string | undefined {
  return typeof raw === "string" && raw.trim() !== "" ? raw : undefined;
}

function readPath(raw: unknown): string | undefined {
  return raw === ":memory:" ? undefined : readText(raw);
}

function readHost(raw: unknown): string | undefined {
  return typeof raw === "string" && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(raw) ? raw : undefined;
}

function readAddress(raw: unknown): string | undefined {
  if (typeof raw !== "string") return undefined;
  try {
    parseListenAddress(raw);
    return raw;
  } catch {
    return undefined;
  }
}

function readOrigins(raw: unknown): readonly string[] | undefined {
  const origins = readList(raw);
  return origins.every(isOrigin) ? origins : undefined;
}

function readDatabases(raw: unknown): readonly string[] | undefined {
  const names = readList(raw);
  return names.every((name) => typeof name === "string" && /^[a-z0-9][a-z0-9_-]{0,62}$/.test(name))
    ? (names as string[])
    : undefined;
}

/** A list, or text with commas; flags that are given several times come as a list. */
function readList(raw: unknown): unknown[] {
  const parts: unknown[] = Array.isArray(raw) ? raw : [raw];
  return parts.flatMap((part) =>
    typeof part === "string" ? part.split(",").map((text) => text.trim()) : [part],
  );
}

function isOrigin(value: unknown): value is string {
  if (value === "*") return true;
  return typeof value === "string" && URL.canParse(value) && new URL(value).origin === value;
}
