import type { SyncServerOptions } from "@tributary/server";
import type { KindValues } from "./value-kinds.js";

/** One option of the server program. Its flag and its variable follow from its key: see option-names.ts. */
export interface OptionEntry {
  readonly kind: keyof KindValues;
  /** The heading of the help under which it stands. */
  readonly group: OptionGroup;
  /** One sentence, for the help and the documentation. */
  readonly description: string;
  /** As one would write it; read like any other value. */
  readonly default?: string;
  /** Under a limit of 0 nothing could be served: it is refused. */
  readonly isPositive?: true;
  /** What the default is where it is not a fixed value. */
  readonly defaultNote?: string;
  /** The option of the library that it becomes. */
  readonly sync?: keyof SyncServerOptions;
  /** Flags are seen by every user of the machine: not for secrets. */
  readonly hasNoFlag?: true;
}

type OptionGroup =
  | "What is served"
  | "Where it listens"
  | "Who may do what"
  | "Limits of requests"
  | "Running SQL"
  | "Databases and revisions"
  | "Clients of libSQL"
  | "Logs, metrics and the end";
