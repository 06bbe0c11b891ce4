import { WireError } from "../wire-error.js";
import { StatementCount } from "./statement-count.js";

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: unknown };

/**
 * Checks the types of a JSON document and knows where in it the check stands. The place is a stack of names and indexes:
 * only a failure pays for its text, so 200 000 steps are checked in about the time it takes to parse them.
 */
export class JsonCursor {
  /** For the checks of requests. */
  readonly statements: StatementCount;
  readonly #place: (string | number)[] = [];

  constructor(statements: StatementCount = new StatementCount()) {
    this.statements = statements;
  }

  /** The document of a text. Throws `WireError` `malformed` where it is not JSON. */
  static parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new WireError("malformed", `not JSON: ${reason}`, { cause: error });
    }
  }

  /** Checks a member: `check` runs with the cursor on it. */
  member<T>(object: JsonObject, key: string, check: (value: unknown, cursor: JsonCursor) => T): T {
    this.#place.push(key);
    const result = check(object[key], this);
    this.#place.pop();
    return result;
  }

  /** Checks that a value is an array and every element of it. */
  elements(
    value: unknown,
    check: (element: unknown, cursor: JsonCursor, index: number) => void,
  ): readonly unknown[] {
    if (!Array.isArray(value)) return this.fail("an array", value);
    const list: readonly unknown[] = value;
    const depth = this.#place.length;
    for (let index = 0; index < list.length; index++) {
      this.#place[depth] = index;
      check(list[index], this, index);
    }
    this.#place.length = depth;
    return list;
  }

  object(value: unknown): JsonObject {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return this.fail("an object", value);
    return value as JsonObject;
  }

  string(value: unknown): string {
    return typeof value === "string" ? value : this.fail("a string", value);
  }

  boolean(value: unknown): boolean {
    return typeof value === "boolean" ? value : this.fail("true or false", value);
  }

  /** An integer between two others, both allowed. */
  integer(value: unknown, smallest: number, largest: number): number {
    if (typeof value === "number" && Number.isInteger(value) && value >= smallest && value <= largest)
      return value;
    return this.fail(`an integer from ${smallest} to ${largest}`, value);
  }

  /** Throws: the value at the cursor is not what it should be. */
  fail(expected: string, found: unknown): never {
    throw new WireError(
      "malformed",
      `${this.#describePlace()} should be ${expected}; it is ${describe(found)}`,
    );
  }

  #describePlace(): string {
    let text = "";
    for (const part of this.#place) {
      if (typeof part === "number") text += `[${part}]`;
      else text += text === "" ? part : `.${part}`;
    }
    return text === "" ? "the document" : text;
  }
}

/** A check: a string, or null, which it is too where it is absent. */
export function nullableString(value: unknown, cursor: JsonCursor): string | null {
  return value == null ? null : cursor.string(value);
}

/** Long enough to recognise it, short enough for a log. */
const MAX_SHOWN = 40;

function describe(value: unknown): string {
  if (value === undefined) return "absent";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, MAX_SHOWN)) : String(value);
  return text.slice(0, MAX_SHOWN);
}
