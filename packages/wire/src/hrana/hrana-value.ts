import { WireError } from "../wire-error.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import type { HranaValue } from "./hrana-types.js";
import { isInt64, isInt64Text } from "./int64.js";

/** A value of SQLite: integers are always `bigint`, reals always `number`. */
export type SqlValue = null | bigint | number | string | Uint8Array;

const NULL: HranaValue = { type: "null" };

/** Throws `WireError` `unsupported` for an integer of more than 64 bits. */
export function encodeHranaValue(value: SqlValue): HranaValue {
  switch (typeof value) {
    case "string":
      return { type: "text", value };
    case "number":
      return { type: "float", value };
    case "bigint":
      if (!isInt64(value)) throw new WireError("unsupported", `an integer has more than 64 bits: ${value}`);
      return { type: "integer", value: String(value) };
    default:
      return value === null ? NULL : { type: "blob", base64: encodeBase64(value) };
  }
}

/** Throws `WireError` `malformed` for an integer that is not one of 64 bits, and for what is not base64. */
export function decodeHranaValue(value: HranaValue): SqlValue {
  switch (value.type) {
    case "null":
      return null;
    case "integer":
      if (!isInt64Text(value.value))
        throw new WireError("malformed", `not an integer of 64 bits: ${value.value}`);
      return BigInt(value.value);
    case "float":
    case "text":
      return value.value;
    case "blob":
      return decodeBase64(value.base64);
    default:
      return unknownValue(value);
  }
}

function unknownValue(value: never): never {
  throw new WireError("malformed", `not a value: ${JSON.stringify(value)}`);
}
