import { WireError } from "../wire-error.js";
import type { HranaValue } from "./hrana-types.js";
import { isInt64Text } from "./int64.js";

/**
 * The JSON of a value. Unlike `JSON.stringify` it keeps the sign of a negative zero; what is not finite becomes null.
 * Throws `WireError` `unsupported` for an integer that is none.
 */
export function stringifyValue(value: HranaValue): string {
  switch (value.type) {
    case "null":
      return '{"type":"null"}';
    case "text":
      return `{"type":"text","value":${JSON.stringify(value.value)}}`;
    case "blob":
      // Stringified, though base64 needs no escapes: whoever made the value may have made a mistake.
      return `{"type":"blob","base64":${JSON.stringify(value.base64)}}`;
    case "integer":
      if (!isInt64Text(value.value))
        throw new WireError("unsupported", `not an integer of 64 bits: ${value.value}`);
      return `{"type":"integer","value":"${value.value}"}`;
    case "float":
      return `{"type":"float","value":${stringifyFloat(value.value)}}`;
  }
}

/** The JSON of a list, of the JSON of its elements. */
export function stringifyList<T>(list: readonly T[], stringify: (element: T) => string): string {
  let text = "[";
  for (let index = 0; index < list.length; index++) {
    text += (index === 0 ? "" : ",") + stringify(list[index] as T);
  }
  return `${text}]`;
}

function stringifyFloat(value: number): string {
  if (!Number.isFinite(value)) return "null";
  return Object.is(value, -0) ? "-0.0" : String(value);
}
