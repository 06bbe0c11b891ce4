import type { LibsqlOptions, SyncServerOptions } from "@tributary/server";
import { type MappedSyncOption, OPTION_ENTRIES, type OptionValues } from "./option-table.js";

/** The options of the library among those of the program. */
export function toSyncOptions(values: OptionValues): Pick<SyncServerOptions, MappedSyncOption | "libsql"> {
  const mapped = Object.fromEntries(
    OPTION_ENTRIES.flatMap(([key, { sync }]) =>
      sync === undefined || values[key] === undefined ? [] : [[sync, values[key]]],
    ),
  );
  return { ...mapped, libsql: libsqlOf(values) };
}

/** Four options of the program are one of the library. */
function libsqlOf({
  libsqlOffline,
  libsqlStrictDatabases = [],
  libsqlProbe,
  libsqlEmbeddedDatabases = [],
}: OptionValues): (database: string) => LibsqlOptions {
  const strict = new Set(libsqlStrictDatabases);
  const embedded = new Set(libsqlEmbeddedDatabases);
  return (database) => ({
    offline: strict.has(database) ? "strict" : libsqlOffline,
    probe: embedded.has(database) ? "embedded" : libsqlProbe,
  });
}
