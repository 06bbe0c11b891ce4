import type { SyncServerOptions } from "@tributary/server";
import { type MappedSyncOption, OPTION_ENTRIES, type OptionValues } from "./option-table.js";

/** The options of the library among those of the program. */
export function toSyncOptions(values: OptionValues): Pick<SyncServerOptions, MappedSyncOption> {
  return Object.fromEntries(
    OPTION_ENTRIES.flatMap(([key, { sync }]) =>
      sync === undefined || values[key] === undefined ? [] : [[sync, values[key]]],
    ),
  );
}
