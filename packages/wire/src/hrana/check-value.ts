import { isBase64 } from "./base64.js";
import type { HranaValue } from "./hrana-types.js";
import { isInt64Text } from "./int64.js";
import type { JsonCursor } from "./json-cursor.js";

/** Checks a value of a request. */
export function checkValue(value: unknown, cursor: JsonCursor): HranaValue {
  const object = cursor.object(value);
  const content = object.value;
  switch (object.type) {
    case "null":
      break;
    case "text":
      if (typeof content !== "string") cursor.member(object, "value", failWith("a string"));
      break;
    case "integer":
      if (typeof content !== "string" || !isInt64Text(content)) {
        cursor.member(object, "value", failWith("an integer of 64 bits as a decimal string"));
      }
      break;
    case "float":
      if (typeof content !== "number" || !Number.isFinite(content)) {
        cursor.member(object, "value", failWith("a finite number"));
      }
      break;
    case "blob":
      if (typeof object.base64 !== "string" || !isBase64(object.base64)) {
        cursor.member(object, "base64", failWith("base64"));
      }
      break;
    default:
      cursor.member(object, "type", failWith("a type of value"));
  }
  return object as unknown as HranaValue;
}

/** Checks a value of an answer, where a float that is not finite is null; that is set to NaN. */
export function checkAnswerValue(value: unknown, cursor: JsonCursor): HranaValue {
  const object = cursor.object(value);
  if (object.type === "float" && object.value === null) (object as { value: unknown }).value = Number.NaN;
  else checkValue(object, cursor);
  return object as unknown as HranaValue;
}

function failWith(expected: string): (value: unknown, cursor: JsonCursor) => never {
  return (value, cursor) => cursor.fail(expected, value);
}
