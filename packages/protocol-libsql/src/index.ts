export type { LibsqlProtocolOptions } from "./libsql-protocol-options.js";
