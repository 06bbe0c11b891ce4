import { decodeBase64, encodeBase64 } from "../values/base64.js";
import type { SqlValue } from "../values/sql-value.js";
import { damagedPackage } from "./damaged-package.js";

/** A value as JSON has it: what JSON knows as it is, the rest in an object that names its type. */
export type JsonValue =
  | null
  | string
  | { readonly integer: string }
  | { readonly real: string }
  | { readonly blob: string };

const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;
const REAL = /^-?([0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|Infinity)$/;
/** Digits of a real that may be: more than enough for any, few enough to be read at once. */
const MAX_REAL = 400;
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const LONE_SURROGATES = /[\ud800-\udfff]/gu;

/** The JSON form of a value. Lone surrogates become U+FFFD, as in the binary form. */
export function jsonOfValue(value: SqlValue): JsonValue {
  if (value === null) return null;
  if (typeof value === "string") return wellFormed(value);
  if (typeof value === "bigint") return { integer: value.toString() };
  if (typeof value === "number") return { real: Object.is(value, -0) ? "-0" : String(value) };
  return { blob: encodeBase64(value) };
}

/** The value that JSON stands for. */
export function valueOfJson(json: unknown): SqlValue {
  if (json === null) return null;
  if (typeof json === "string") return checkedText(json);
  const entries = typeof json === "object" ? Object.entries(json) : [];
  const [type, text] = entries[0] ?? [];
  if (entries.length === 1 && typeof text === "string") {
    if (type === "integer") return integerOf(text);
    if (type === "real") return realOf(text);
    const bytes = type === "blob" ? decodeBase64(text) : undefined;
    if (bytes !== undefined) return bytes;
  }
  throw damagedPackage("has a value that is neither null, text, integer, real nor blob");
}

/** Text as UTF-8 can hold it. */
export function wellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, "\ufffd");
}

/** Text that UTF-8 can hold; other text fails. */
export function checkedText(text: string): string {
  if (LONE_SURROGATE.test(text)) throw damagedPackage("has text with a lone surrogate");
  return text;
}

function integerOf(text: string): bigint {
  const value = INTEGER.test(text) ? BigInt(text) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value)
    throw damagedPackage("has an integer that is none of 64 bits");
  return value;
}

function realOf(text: string): number {
  const value = text.length <= MAX_REAL && REAL.test(text) ? Number(text) : Number.NaN;
  const isInfinite = Math.abs(value) === Number.POSITIVE_INFINITY;
  if (Number.isNaN(value) || (isInfinite && !text.endsWith("Infinity")))
    throw damagedPackage("has a real that is no number of 64 bits");
  return value;
}
