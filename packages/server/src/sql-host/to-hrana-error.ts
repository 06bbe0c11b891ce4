import type { HranaError } from "@tributary/wire";
import type { SqlError } from "../sql/sql-error.js";

/** An error of a statement, as it travels. */
export function toHranaError({ message, code, extendedCode }: SqlError): HranaError {
  return extendedCode === undefined ? { message, code } : { message, code, extended_code: extendedCode };
}
