import type { SeededRandom } from "@tributary/testkit";
import type { Change, State, Table } from "./model.js";

/** A database that statements are run on, with its model: a replica, or the remote. */
export interface Site {
  readonly random: SeededRandom;
  /** Tells the keys that this site draws from those of the others. */
  readonly number: number;
  readonly state: State;
  exec(sql: string): void;
  /** The model has done this. */
  record(change: Change): void;
  /** A number that nobody has had. */
  unique(): number;
}

/** One kind of statement; `run` returns false when there is nothing that it could be about. */
export interface StatementKind {
  readonly name: string;
  readonly weight: number;
  run(site: Site): boolean;
}

export function pickByWeight<T extends { readonly weight: number }>(
  random: SeededRandom,
  items: readonly T[],
): T {
  let at = random.next() * items.reduce((sum, { weight }) => sum + weight, 0);
  for (const item of items) {
    at -= item.weight;
    if (at < 0) return item;
  }
  return items[0] as T;
}

/** Tables that statements may change; the log only grows, so that rows which are lost are seen without the model. */
export function tablesOf(site: Site): Table[] {
  return [...site.state.tables.values()].filter(({ name }) => name !== "log");
}
