import type { TableShape } from "../capture/table-shape.js";
import type { SqlRow } from "../values/sql-value.js";

interface ChangeBase {
  /** Position on the tape. Grows by commit order, starts anew with every pull generation. */
  readonly changeId: number;
  /** Kept on the tape without a place in the remote schema; not pushed. */
  readonly parked: boolean;
}

/** One row written by a statement of the app; images are as {@link TableShape} says. */
export type RowChange = ChangeBase & { readonly shape: TableShape } & (
    | { readonly type: "insert"; readonly after: SqlRow }
    | { readonly type: "update"; readonly before: SqlRow; readonly after: SqlRow }
    | { readonly type: "delete"; readonly before: SqlRow }
  );

/** One schema statement, or a header pragma such as `user_version`. */
export type SchemaChange = ChangeBase & { readonly type: "schema"; readonly sql: string };

/** One entry of the tape. */
export type TapeChange = RowChange | SchemaChange;
