import { mayDisplace, type StatementClass } from "@tributary/core";
import type Database from "better-sqlite3";
import type { BulkInsert } from "./bulk-insert.js";
import type { Capture } from "./capture.js";
import { emptiesTemp } from "./pragma-rules.js";

type Statement = Database.Statement<unknown[]>;
type StatementMethods = Pick<Statement, "run" | "get" | "all" | "iterate">;

const captureOf = Symbol("tributary capture");
const kindOf = Symbol("tributary kind");
const bulkOf = Symbol("tributary bulk insert");
const displacesOf = Symbol("tributary displaces");

/** A statement of a captured connection that may write. */
interface CapturedStatement extends Statement {
  readonly [captureOf]: Capture;
  readonly [kindOf]: StatementClass;
  readonly [displacesOf]: boolean;
  [bulkOf]: BulkInsert | undefined;
}

/** Prototypes by the native one: of statements that write rows, and of all others. */
const prototypes = {
  write: new WeakMap<object, object>(),
  other: new WeakMap<object, object>(),
} as const;

/**
 * Puts capture around a native statement. It stays the native object, so that everything else about it (binding, modes,
 * columns, its identity) is better-sqlite3's; only its prototype is one with four methods in front.
 */
export function captureStatement(
  statement: Statement,
  kind: StatementClass,
  capture: Capture,
  bulk?: BulkInsert,
): void {
  const native = Object.getPrototypeOf(statement) as Statement;
  const known = kind.type === "write" ? prototypes.write : prototypes.other;
  let prototype = known.get(native);
  if (prototype === undefined) {
    prototype = capturedPrototype(native);
    if (kind.type === "write") prototype = writingPrototype(native, prototype);
    known.set(native, prototype);
  }
  Object.setPrototypeOf(statement, prototype);
  Object.defineProperties(statement, {
    [kindOf]: { value: kind },
    [displacesOf]: { value: mayDisplace(statement.source) },
    [captureOf]: { value: capture },
    [bulkOf]: { value: bulk, writable: true },
  });
}

/** Run to their end when they are iterated over, because something comes after it. */
const AT_ONCE: ReadonlySet<StatementClass["type"]> = new Set(["schema", "pragma", "explain"]);

function capturedPrototype(native: StatementMethods & object): object {
  const { run, get, all, iterate } = native;
  const methods = {
    run(this: CapturedStatement, ...args: unknown[]): unknown {
      return around(this, () => run.apply(this, args));
    },
    get(this: CapturedStatement, ...args: unknown[]): unknown {
      return around(this, () => get.apply(this, args));
    },
    all(this: CapturedStatement, ...args: unknown[]): unknown {
      return around(this, () => all.apply(this, args));
    },
    iterate(this: CapturedStatement, ...args: unknown[]): unknown {
      const capture = this[captureOf];
      if (AT_ONCE.has(this[kindOf].type)) {
        return around(this, () => all.apply(this, args))[Symbol.iterator]();
      }
      capture.enter(this[displacesOf]);
      return settleAtEnd(iterate.apply(this, args), capture);
    },
  };
  return Object.create(native, Object.getOwnPropertyDescriptors(methods)) as object;
}

/** With `run` as the hot loop of an app that writes many rows needs it: nothing is made for a call, and no kind looked at. */
function writingPrototype(native: Statement, captured: object): object {
  const { run, bind, safeIntegers } = native;
  const methods = {
    run(this: CapturedStatement, ...args: unknown[]): unknown {
      const capture = this[captureOf];
      const bulk = this[bulkOf];
      capture.enter(this[displacesOf]);
      try {
        if (bulk === undefined) return run.apply(this, args);
        if (bulk.isReady) return bulk.run(args);
        const result = run.apply(this, args);
        bulk.noteRun(result);
        return result;
      } finally {
        capture.settle();
      }
    },
    // What these set, they set on the statement itself.
    bind(this: CapturedStatement, ...args: unknown[]): Statement {
      this[bulkOf] = undefined;
      return bind.apply(this, args);
    },
    safeIntegers(this: CapturedStatement, ...args: [boolean?]): Statement {
      this[bulkOf] = undefined;
      return safeIntegers.apply(this, args);
    },
  };
  return Object.create(captured, Object.getOwnPropertyDescriptors(methods)) as object;
}

function around<T>(statement: CapturedStatement, run: () => T): T {
  const capture = statement[captureOf];
  const kind = statement[kindOf];
  try {
    if (kind.type === "schema") return capture.runSchema(kind, statement.source, run);
    if (emptiesTemp(kind)) {
      // SQLite may have compiled it again, since other statements have changed the schema.
      const result = run();
      capture.restore();
      return result;
    }
    if (kind.type === "pragma") return capture.runHeaderPragma(kind, run);
    capture.enter(statement[displacesOf]);
    const result = run();
    if (kind.type === "transaction" && kind.verb.startsWith("rollback")) capture.forget();
    return result;
  } finally {
    capture.settle();
  }
}

/** The statement's transaction ends with the iteration. */
function settleAtEnd(iterator: IterableIterator<unknown>, capture: Capture): IterableIterator<unknown> {
  const { next, return: finish } = Object.getPrototypeOf(iterator) as Required<IterableIterator<unknown>>;
  const own = {
    next(): IteratorResult<unknown> {
      let open = false;
      try {
        const result = next.call(iterator);
        open = result.done !== true;
        return result;
      } finally {
        if (!open) capture.settle();
      }
    },
    return(): IteratorResult<unknown> {
      try {
        return finish.call(iterator);
      } finally {
        capture.settle();
      }
    },
  };
  return Object.defineProperties(iterator, Object.getOwnPropertyDescriptors(own));
}
