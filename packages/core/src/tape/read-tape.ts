import { imageWidth, type TableShape } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { SqlRow } from "../values/sql-value.js";
import type { TapeChange } from "./tape-change.js";
import { SHAPE_TABLE, TAPE_EFFECT, TAPE_FIXED_COLUMNS, TAPE_OPERATION, TAPE_TABLE } from "./tape-schema.js";

/** Shapes by id. */
export type Shapes = ReadonlyMap<number, TableShape>;

/** The shapes that the tape's rows refer to. */
export function* readShapes(): Coroutine<Shapes> {
  const rows = yield* io.querySql("writer", `SELECT id, description FROM main.${SHAPE_TABLE}`);
  return new Map(
    rows.map(([id, description]) => [Number(id), JSON.parse(String(description)) as TableShape]),
  );
}

/** Change id of the newest change, 0 for an empty tape. */
export function* lastChangeId(): Coroutine<number> {
  const rows = yield* io.querySql("writer", `SELECT max(id) FROM main.${TAPE_TABLE}`);
  return Number(rows[0]?.[0] ?? 0);
}

/** Whether there are changes on the tape, gaps aside. */
export function* hasChanges(): Coroutine<boolean> {
  const sql = `SELECT 1 FROM main.${TAPE_TABLE} WHERE op <> ${TAPE_OPERATION.gap} LIMIT 1`;
  return (yield* io.querySql("writer", sql)).length > 0;
}

/** What a row of the tape says. */
export function parseTapeRow(row: SqlRow, shapes: Shapes): TapeChange {
  const [id, shapeId, op, parkedFlag] = row;
  const changeId = Number(id);
  const operation = Number(op);
  const parked = parkedFlag === 1n;
  const first = TAPE_FIXED_COLUMNS.length;
  if (operation === TAPE_OPERATION.schema) {
    return { type: "schema", changeId, parked, sql: String(row[first]) };
  }
  const shape = shapes.get(Number(shapeId));
  if (shape === undefined) {
    throw new SyncError("internal", `Change ${changeId} has the unknown shape ${String(shapeId)}.`, {
      changeId,
    });
  }
  const width = imageWidth(shape);
  const image = row.slice(first, first + width);
  switch (operation & ~TAPE_EFFECT) {
    case TAPE_OPERATION.insert:
      return { type: "insert", changeId, parked, shape, after: image };
    case TAPE_OPERATION.delete:
      return { type: "delete", changeId, parked, shape, before: image };
    case TAPE_OPERATION.update:
      return {
        type: "update",
        changeId,
        parked,
        shape,
        before: image,
        after: row.slice(first + width, first + 2 * width),
      };
    default:
      throw new SyncError("internal", `Change ${changeId} has the unknown operation ${operation}.`, {
        changeId,
      });
  }
}
