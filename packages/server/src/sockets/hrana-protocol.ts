import type { HranaBatch, HranaCondition, HranaFormat, HranaSocketRequest } from "@tributary/wire";
import { SocketViolation } from "./socket-violation.js";

/** A version of Hrana, and how its messages are written. */
export interface HranaProtocol {
  readonly version: 1 | 2 | 3;
  readonly format: HranaFormat;
}

/** By the name of the WebSocket's subprotocol, the preferred one first. */
export const HRANA_PROTOCOLS: ReadonlyMap<string, HranaProtocol> = new Map([
  ["hrana3-protobuf", { version: 3, format: "protobuf" }],
  ["hrana3", { version: 3, format: "json" }],
  ["hrana2", { version: 2, format: "json" }],
  ["hrana1", { version: 1, format: "json" }],
]);

/** What a socket speaks. Clients of the first version offer no subprotocol. */
export function hranaProtocolOf(subprotocol: string): HranaProtocol | undefined {
  return HRANA_PROTOCOLS.get(subprotocol === "" ? "hrana1" : subprotocol.toLowerCase());
}

/** What versions after the first have added. */
const FIRST_VERSION: Partial<Record<HranaSocketRequest["type"], number>> = {
  store_sql: 2,
  close_sql: 2,
  sequence: 2,
  describe: 2,
  open_cursor: 3,
  fetch_cursor: 3,
  close_cursor: 3,
  get_autocommit: 3,
};

/** Throws `SocketViolation` where a request needs a later version than was agreed on. */
export function checkVersion(request: HranaSocketRequest, version: number): void {
  const needed = FIRST_VERSION[request.type] ?? 1;
  if (version < needed) throw missing(`the request ${request.type}`, needed);
  if (version === 1 && hasStoredSql(request)) throw missing("sql_id", 2);
  if (version < 3 && request.type === "batch" && asksForAutocommit(request.batch)) {
    throw missing("the condition is_autocommit", 3);
  }
}

function missing(what: string, version: number): SocketViolation {
  return new SocketViolation(`${what} needs hrana${version}`);
}

function hasStoredSql(request: HranaSocketRequest): boolean {
  if (request.type === "execute") return request.stmt.sql_id != null;
  return request.type === "batch" && request.batch.steps.some(({ stmt }) => stmt.sql_id != null);
}

function asksForAutocommit({ steps }: HranaBatch): boolean {
  return steps.some(({ condition }) => condition != null && mentionsAutocommit(condition));
}

function mentionsAutocommit(condition: HranaCondition): boolean {
  if (condition.type === "not") return mentionsAutocommit(condition.cond);
  if (condition.type === "and" || condition.type === "or") return condition.conds.some(mentionsAutocommit);
  return condition.type === "is_autocommit";
}
