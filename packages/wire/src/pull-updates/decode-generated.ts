import { WireError } from "../wire-error.js";

/** A decoder as protobufjs generates it. */
interface GeneratedDecoder<T> {
  decode(bytes: Uint8Array): T;
}

/** Decodes with generated code. What it throws on junk is many things; here it is `WireError`. */
export function decodeGenerated<T>(type: GeneratedDecoder<T>, name: string, bytes: Uint8Array): T {
  try {
    return type.decode(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireError("malformed", `not a ${name}: ${reason}`, { cause: error });
  }
}

/** A 64-bit number of protobufjs: a number, or an object of `long` that prints itself in decimal. */
export function toSafeInteger(value: unknown, name: string): number {
  const number = typeof value === "number" ? value : Number(String(value));
  if (!Number.isSafeInteger(number) || number < 0)
    throw new WireError("malformed", `${name} is out of range: ${value}`);
  return number;
}

/** The name of an enum's number. */
export function nameOf<T extends string>(names: readonly T[], value: number, field: string): T {
  const name = names[value];
  if (name === undefined)
    throw new WireError("unsupported", `${field} is ${value}, which this version does not know`);
  return name;
}
