import { imageColumns, imageWidth, type TableShape } from "../capture/table-shape.js";
import type { RowChange } from "../tape/tape-change.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlStatement, SqlValue } from "../values/sql-value.js";
import { changeToStatement, type ReplayTarget } from "./change-to-statement.js";

/** A text, and where its parameters are: in the image before the change, then, from `width` on, in the one after it. */
interface StatementPlan {
  readonly sql: string;
  readonly sources: readonly number[];
  /** The parameters are the image after the change. */
  readonly takesAfter: boolean;
}

const INSERT = -1;
const DELETE = -2;
/** The columns that an update changes are the bits of a number. */
const MOST_PLANNED_COLUMNS = 50;

/**
 * Gives what `changeToStatement` gives, for the changes of one shape. Nearly all of them differ in values only: for those
 * the text is made once, and is the same string each time.
 */
export class ShapeStatements {
  readonly #shape: TableShape;
  readonly #target: ReplayTarget;
  readonly #width: number;
  readonly #key: readonly number[];
  readonly #plans: Map<number, StatementPlan | undefined> = new Map();

  constructor(shape: TableShape, target: ReplayTarget) {
    this.#shape = shape;
    this.#target = target;
    this.#width = imageWidth(shape);
    const names = imageColumns(shape);
    this.#key = shape.key.type === "columns" ? shape.key.columns.map((name) => names.indexOf(name)) : [];
  }

  /** `undefined` when there is nothing to do. */
  statementOf(change: RowChange): SqlStatement | undefined {
    const kind = this.#kindOf(change);
    if (kind === undefined) return changeToStatement(change, this.#target);
    let plan = this.#plans.get(kind);
    if (plan === undefined && !this.#plans.has(kind)) {
      plan = this.#planOf(change);
      this.#plans.set(kind, plan);
    }
    if (plan === undefined) return undefined;
    return { sql: plan.sql, params: this.#paramsOf(change, plan) };
  }

  /** What the text depends on; `undefined` where it depends on values too. */
  #kindOf(change: RowChange): number | undefined {
    switch (change.type) {
      case "insert":
        return this.#isPlain(change.after, true) ? INSERT : undefined;
      case "delete":
        return this.#isPlain(change.before, true) ? DELETE : undefined;
      case "update": {
        const { before, after } = change;
        if (this.#width > MOST_PLANNED_COLUMNS) return undefined;
        if (!this.#isPlain(before, true) || !this.#isPlain(after, false)) return undefined;
        let changed = 0;
        for (let index = 0; index < this.#width; index++)
          changed = 2 * changed + (sameValue(before[index] as SqlValue, after[index] as SqlValue) ? 0 : 1);
        return changed;
      }
    }
  }

  /** No infinity, which becomes a literal, and no NULL in the key if the row is found by it. */
  #isPlain(image: SqlRow, isKeyed: boolean): boolean {
    for (const value of image) if (typeof value === "number" && !Number.isFinite(value)) return false;
    if (isKeyed) for (const index of this.#key) if (image[index] === null) return false;
    return true;
  }

  /** Has a change of the same kind written whose values are their own places. */
  #planOf(change: RowChange): StatementPlan | undefined {
    const width = this.#width;
    const shape = this.#shape;
    const before = Array.from({ length: width }, (_, index) => BigInt(index));
    const after = before.map((place, index) => {
      const isSame =
        change.type === "update" &&
        sameValue(change.before[index] as SqlValue, change.after[index] as SqlValue);
      return isSame ? place : BigInt(width + index);
    });
    const places: RowChange = {
      ...change,
      shape,
      ...("before" in change && { before }),
      ...("after" in change && { after }),
    };
    const statement = changeToStatement(places, this.#target);
    if (statement === undefined) return undefined;
    const sources = statement.params.map(Number);
    const takesAfter = sources.length === width && sources.every((place, index) => place === width + index);
    return { sql: statement.sql, sources, takesAfter };
  }

  #paramsOf(change: RowChange, { sources, takesAfter }: StatementPlan): SqlRow {
    const after = change.type === "delete" ? [] : change.after;
    if (takesAfter) return after;
    const before = change.type === "insert" ? [] : change.before;
    const width = this.#width;
    return sources.map((place) => (place < width ? before[place] : after[place - width]) as SqlValue);
  }
}
