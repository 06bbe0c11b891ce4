import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { LEAST_TAPE_VALUES, MAX_TAPE_VALUES } from "./tape-schema.js";

/** Two images of the widest table. NULL without tables. */
const WIDTH_SQL = `SELECT 2 * max(width) FROM (
  SELECT count(*) + (max(x.pk) = 0) AS width FROM pragma_table_list l JOIN pragma_table_info(l.name, 'main') x
  WHERE l.schema = 'main' AND l.type = 'table' AND substr(l.name, 1, 7) <> 'sqlite_' GROUP BY l.name)`;

/** How many values a tape needs room for, with the tables that there are now. */
export function* neededValues(): Coroutine<number> {
  const [row] = yield* io.querySql("writer", WIDTH_SQL);
  return Math.min(Math.max(Number(row?.[0] ?? 0), LEAST_TAPE_VALUES), MAX_TAPE_VALUES);
}
