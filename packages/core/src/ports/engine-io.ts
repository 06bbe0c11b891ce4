import type { Clock } from "./clock.js";
import type { IoOperations } from "./io-operations.js";
import type { ProtocolIo } from "./protocol-io.js";
import type { SqlIo } from "./sql-io.js";

/** Everything an engine procedure may ask of its host. Method names are unique across the ports. */
export interface EngineIo extends IoOperations, SqlIo, ProtocolIo, Clock {}
