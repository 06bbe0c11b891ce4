import { damagedPackage } from "./damaged-package.js";
import { checkedText } from "./value-json.js";

/** The fields of one object of a package's JSON form, each taken by its type. Fails with `damaged-package`. */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #what: string;

  /** `what`: what the object is, for messages. Other fields than those that are known are refused. */
  constructor(json: unknown, what: string, known: readonly string[]) {
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw damagedPackage(`has ${what} that is no object`);
    this.#fields = json as Record<string, unknown>;
    this.#what = what;
    for (const name of Object.keys(json)) {
      if (!known.includes(name)) throw damagedPackage(`has ${what} with an unknown field`);
    }
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  get(name: string): unknown {
    return this.has(name) ? this.#fields[name] : undefined;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== "string") throw this.#wrong(name, "text");
    return checkedText(value);
  }

  number(name: string): number {
    const value = this.get(name);
    if (typeof value !== "number") throw this.#wrong(name, "number");
    return value;
  }

  boolean(name: string): boolean {
    const value = this.get(name);
    if (typeof value !== "boolean") throw this.#wrong(name, "boolean");
    return value;
  }

  list(name: string): readonly unknown[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw this.#wrong(name, "list");
    return value;
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value !== "string") throw this.#wrong(name, "list of texts");
      return checkedText(value);
    });
  }

  #wrong(name: string, type: string): Error {
    return damagedPackage(`has ${this.#what} whose "${name}" is no ${type}`);
  }
}
