import { PageDamage } from "../sqlite-format/page-source.js";
import { ImageDamage } from "./image-difference.js";

/** Runs what reads pages; what it finds wrong with them is `ImageDamage` to callers. */
export function tellingDamage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw toldDamage(error);
  }
}

/** The same for rows that are read while they are asked for. */
export function* tellingDamageOf<T>(rows: Iterable<T>): Generator<T, void> {
  try {
    yield* rows;
  } catch (error) {
    throw toldDamage(error);
  }
}

function toldDamage(error: unknown): unknown {
  if (!(error instanceof PageDamage)) return error;
  return new ImageDamage(`The pages are not those of an intact database: ${error.message}.`, {
    cause: error,
  });
}
