import { SyncError } from "@tributary/core";

/** Collects what is wrong with the options of a function, to tell all of it at once. */
export class OptionChecks {
  readonly #caller: string;
  readonly #mistakes: string[] = [];

  constructor(caller: string) {
    this.#caller = caller;
  }

  /** Notes a mistake unless the condition holds. */
  expect(holds: boolean, mistake: string): void {
    if (!holds) this.#mistakes.push(mistake);
  }

  /** An option that may be left out, and is a whole number otherwise. */
  wholeNumber(name: string, value: unknown, least: number): void {
    const holds = value === undefined || (Number.isSafeInteger(value) && (value as number) >= least);
    this.expect(holds, `\`${name}\` must be a whole number of at least ${least}`);
  }

  /** An option that may be left out, and is true or false otherwise. */
  flag(name: string, value: unknown): void {
    this.expect(value === undefined || typeof value === "boolean", `\`${name}\` must be true or false`);
  }

  /** An option that may be left out, and is a function otherwise. */
  callback(name: string, value: unknown): void {
    this.expect(value === undefined || typeof value === "function", `\`${name}\` must be a function`);
  }

  /** An option that may be left out, and is one of these otherwise. */
  oneOf(name: string, value: unknown, values: readonly string[]): void {
    const holds = value === undefined || values.includes(value as string);
    this.expect(holds, `\`${name}\` must be one of ${values.join(", ")}`);
  }

  /** An object, or nothing where it may be left out. Tells whether there are options in it to look at. */
  object(name: string, value: unknown): value is Record<string, unknown> {
    if (value === undefined) return false;
    const holds = typeof value === "object" && value !== null;
    this.expect(holds, `\`${name}\` must be an object`);
    return holds;
  }

  /** Fails with `invalid-option` naming every mistake that was noted. */
  finish(): void {
    if (this.#mistakes.length > 0)
      throw new SyncError("invalid-option", `${this.#caller}: ${this.#mistakes.join("; ")}.`);
  }
}
