import {
  classifyStatement,
  mayDisplace,
  type StatementClass,
  SyncError,
  splitStatements,
} from "@tributary/core";
import Database from "better-sqlite3";
import { BulkInsert } from "./bulk-insert.js";
import { attachCapture, Capture, type CaptureOptions, captureOf } from "./capture.js";
import { captureStatement } from "./captured-statement.js";
import { checkPragma, emptiesTemp, setsHeaderField } from "./pragma-rules.js";

/**
 * A connection of better-sqlite3 whose changes are captured. It is a `Database` in every respect, so ORMs and tools take
 * it as one; statements that only read are better-sqlite3's own, untouched.
 */
export class ReplicaDatabase extends Database {
  /** What the app is told of is what it has written. */
  readonly #isVerbose: boolean;

  constructor(path: string, options: Database.Options, capture: CaptureOptions) {
    super(path, options);
    this.#isVerbose = options.verbose !== undefined;
    // Defensive mode is better-sqlite3's `unsafeMode` the other way round.
    const setDefensive = (on: boolean): void => void super.unsafeMode(!on);
    attachCapture(this, new Capture(this, setDefensive, capture));
  }

  // biome-ignore lint/complexity/noBannedTypes: the signature is that of @types/better-sqlite3.
  override prepare<BindParameters extends unknown[] | {} = unknown[], Result = unknown>(
    source: string,
  ): Database.Statement<BindParameters, Result> {
    const kind = typeof source === "string" ? classifyStatement(source) : READ;
    refuseUnsupported(kind, captureOf(this).isReplica);
    const statement = super.prepare<BindParameters, Result>(source);
    if (isCaptured(kind)) {
      const capture = captureOf(this);
      const isInsert = kind.type === "write" && kind.verb === "insert" && !this.#isVerbose;
      const bulk = isInsert ? BulkInsert.of(this, capture, source) : undefined;
      captureStatement(statement as Database.Statement<unknown[]>, kind, capture, bulk);
    }
    // SQLite empties the TEMP database while it prepares this one.
    if (emptiesTemp(kind)) captureOf(this).restore();
    return statement;
  }

  override exec(source: string): this {
    if (typeof source !== "string") return super.exec(source);
    const capture = captureOf(this);
    try {
      const end = source.indexOf(";");
      if (end < 0 || source.slice(end + 1).trim() === "") {
        this.#execOne(source, classifyStatement(source));
        return this;
      }
      // Statements that need no care of their own run as better-sqlite3 would run them: in one go.
      let plain = "";
      const flush = (): void => {
        if (plain === "") return;
        const text = plain;
        plain = "";
        capture.enter(mayDisplace(text));
        super.exec(text);
      };
      for (const sql of splitStatements(source)) {
        const kind = classifyStatement(sql);
        if (kind.type === "read" || kind.type === "write" || kind.type === "other") {
          plain += `${sql};\n`;
          continue;
        }
        flush();
        this.#execOne(sql, kind);
      }
      flush();
    } finally {
      capture.settle();
    }
    return this;
  }

  override pragma(source: string, options?: Database.PragmaOptions): unknown {
    const kind = typeof source === "string" ? classifyStatement(`PRAGMA ${source}`) : READ;
    refuseUnsupported(kind, captureOf(this).isReplica);
    const capture = captureOf(this);
    if (kind.type !== "pragma" || !setsHeaderField(kind)) {
      const result = super.pragma(source, options);
      if (emptiesTemp(kind)) capture.restore();
      return result;
    }
    try {
      return capture.runHeaderPragma(kind, () => super.pragma(source, options));
    } finally {
      capture.settle();
    }
  }

  override transaction<F extends (...args: never[]) => unknown>(work: F): Database.Transaction<F> {
    const native = super.transaction(work as unknown as (...args: unknown[]) => unknown);
    const capture = captureOf(this);
    const wrap = (run: (...args: unknown[]) => unknown): unknown =>
      function (this: unknown, ...args: unknown[]): unknown {
        try {
          return run.apply(this, args);
        } catch (error) {
          capture.forget();
          throw error;
        } finally {
          capture.settle();
        }
      };
    const variants = {
      default: { value: wrap(native.default) },
      deferred: { value: wrap(native.deferred) },
      immediate: { value: wrap(native.immediate) },
      exclusive: { value: wrap(native.exclusive) },
      database: { value: this, enumerable: true },
    };
    for (const name of ["default", "deferred", "immediate", "exclusive"] as const) {
      Object.defineProperties(variants[name].value, variants);
    }
    return variants.default.value as Database.Transaction<F>;
  }

  override unsafeMode(unsafe = true): this {
    super.unsafeMode(unsafe);
    captureOf(this).unsafeMode = unsafe;
    return this;
  }

  #execOne(sql: string, kind: StatementClass): void {
    const capture = captureOf(this);
    refuseUnsupported(kind, captureOf(this).isReplica);
    const run = (): unknown => super.exec(sql);
    if (kind.type === "write" || kind.type === "other") capture.enter(mayDisplace(sql));
    if (kind.type === "schema") capture.runSchema(kind, sql, run);
    else if (kind.type === "pragma" && setsHeaderField(kind)) capture.runHeaderPragma(kind, run);
    else run();
    if (kind.type === "transaction" && kind.verb.startsWith("rollback")) capture.forget();
    if (emptiesTemp(kind)) capture.restore();
    // Of several transactions in one text, each end counts.
    capture.settle();
  }
}

const READ: StatementClass = { type: "read" };

const UNCAPTURED: ReadonlySet<StatementClass["type"]> = new Set([
  "read",
  "explain",
  "attach",
  "detach",
  "vacuum",
]);

function isCaptured(kind: StatementClass): boolean {
  if (emptiesTemp(kind)) return true;
  if (kind.type === "pragma") return setsHeaderField(kind);
  return !UNCAPTURED.has(kind.type);
}

function refuseUnsupported(kind: StatementClass, isReplica: boolean): void {
  if (kind.type === "pragma") checkPragma(kind, isReplica);
  // SQLite obeys some pragmas while it compiles them.
  if (kind.type === "explain" && kind.explained.type === "pragma") checkPragma(kind.explained, isReplica);
  if (kind.type === "vacuum" && !kind.into) {
    const reason = isReplica
      ? "it moves every page, and the next pull could not be told from a full download. VACUUM INTO a copy, or vacuum the remote."
      : "it gives rows without a primary key other rowids, by which change streams know them. VACUUM INTO a copy.";
    throw new SyncError("unsupported-sql", `VACUUM is refused: ${reason}`);
  }
}
