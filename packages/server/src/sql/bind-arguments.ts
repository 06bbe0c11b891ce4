import { type SqlValue, sameValue } from "@tributary/core";
import { SqlError } from "./sql-error.js";
import type { StatementShape } from "./statement-shape.js";

/** Arguments of a statement. */
export interface StatementArguments {
  readonly positional: readonly SqlValue[];
  readonly named: readonly { readonly name: string; readonly value: SqlValue }[];
}

/**
 * What better-sqlite3 takes: the values one by one, or those of the parameters without a name as an array, and an object for
 * those with one.
 */
export type BoundArguments =
  | readonly SqlValue[]
  | readonly [readonly SqlValue[]]
  | readonly [readonly SqlValue[], Readonly<Record<string, SqlValue>>];

const MOST_ONE_BY_ONE = 100;

/**
 * Brings arguments into the form of better-sqlite3, which numbers only the parameters without a name. Throws `SqlError` ARGS_INVALID and ARGS_BOTH_POSITIONAL_AND_NAMED.
 */
export function bindArguments(
  { parameterNames: names, hasNames, isExplain: lenient }: StatementShape,
  { positional, named }: StatementArguments,
): BoundArguments {
  const count = names.length - 1;
  // One by one is faster than from an array, but goes by the stack.
  if (!hasNames && named.length === 0 && positional.length === count)
    return count <= MOST_ONE_BY_ONE ? positional : [positional];
  if (positional.length > 0 && named.length > 0) {
    throw new SqlError("ARGS_BOTH_POSITIONAL_AND_NAMED", "positional and named arguments cannot be mixed");
  }
  if (positional.length > count) {
    throw new SqlError(
      "ARGS_INVALID",
      `too many parameters: ${positional.length} given, the statement has ${count}`,
    );
  }
  const anonymous: SqlValue[] = [];
  const byKey: Record<string, SqlValue> = Object.create(null);
  let hasKeys = false;
  for (let index = 1; index <= count; index++) {
    const name = names[index] as string | null;
    const value = index <= positional.length ? positional[index - 1] : valueByName(named, name);
    if (value === undefined && !lenient) {
      throw new SqlError("ARGS_INVALID", `no value was given for parameter ${name ?? index}`);
    }
    if (name === null) {
      anonymous.push(value ?? null);
      continue;
    }
    const key = name.slice(1);
    if (key in byKey && !sameValue(byKey[key] as SqlValue, value ?? null)) {
      throw new SqlError(
        "ARGS_INVALID",
        `parameters named ${key} with different prefixes must have the same value`,
      );
    }
    byKey[key] = value ?? null;
    hasKeys = true;
  }
  return hasKeys ? [anonymous, byKey] : [anonymous];
}

function valueByName(named: StatementArguments["named"], name: string | null): SqlValue | undefined {
  if (name === null) return undefined;
  const exact = named.find((argument) => argument.name === name);
  return (exact ?? named.find((argument) => argument.name === name.slice(1)))?.value;
}
