import { readTableShapes, TABLE_COLUMNS_SQL, UNIQUE_INDEXES_SQL } from "../capture/read-table-shapes.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { readShapes, type Shapes } from "../tape/read-tape.js";
import { SHAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlValue } from "../values/sql-value.js";
import { schemaHashOf } from "./schema-hash.js";

/** What a stream knows of the schema, read again only when it has changed. */
export class SchemaState {
  #version: SqlValue = null;
  #hash = 0;
  #shapeCount = -1;
  #shapes: Shapes = new Map();

  /** Changes whenever the schema does. */
  *version(): Coroutine<SqlValue> {
    return (yield* io.querySql("writer", "PRAGMA main.schema_version"))[0]?.[0] ?? null;
  }

  /** Of the tables as they are now. */
  *hash(): Coroutine<number> {
    const version = yield* this.version();
    if (version !== this.#version) {
      const columns = yield* io.querySql("writer", TABLE_COLUMNS_SQL);
      const { captured } = readTableShapes(columns, yield* io.querySql("writer", UNIQUE_INDEXES_SQL));
      this.#hash = schemaHashOf(captured.map(({ shape }) => shape));
      this.#version = version;
    }
    return this.#hash;
  }

  /** The shapes that the rows of the tape refer to. They are never changed, and only a new tape has fewer. */
  *shapes(): Coroutine<Shapes> {
    const count = Number((yield* io.querySql("writer", `SELECT count(*) FROM main.${SHAPE_TABLE}`))[0]?.[0]);
    if (count !== this.#shapeCount) {
      this.#shapes = yield* readShapes();
      this.#shapeCount = count;
    }
    return this.#shapes;
  }
}
