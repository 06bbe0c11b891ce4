import { ServerError } from "./server-error.js";

/** How the clients of libSQL are served from one database: npm `libsql` and `@libsql/client` with a `syncUrl`. */
export interface LibsqlOptions {
  /**
   * What becomes of changes that offline replicas push (`offline: true`). `merge`: those of a replica whose device is known,
   * by its URL or its token, are merged with everybody's by row and column, the last push winning; one whose device is not
   * known is served as `strict` says. `strict`: there is one log of frames for all, and who pushes after somebody else has
   * written is answered with a conflict, which that client cannot get out of by itself. Default `merge`.
   */
  readonly offline?: "merge" | "strict";
  /**
   * What `GET /info` answers to clients that use it to find out which protocol there is (those without `offline`).
   * `offline`: frames, with writes over Hrana. `embedded`: that of embedded replicas, gRPC-web; offline replicas then need a
   * URL that names their device, which is always answered. Default `offline`.
   */
  readonly probe?: "offline" | "embedded";
}

/** The same for all databases, or by their names: it is asked for every request, and must be quick. */
export type LibsqlOption = LibsqlOptions | ((database: string) => LibsqlOptions);

const CHOICES = { offline: ["merge", "strict"], probe: ["offline", "embedded"] } as const;

/**
 * How libSQL's clients are served from a database, with the defaults filled in. Throws `ServerError` "invalid-option" where a
 * function gave something else.
 */
export function libsqlOptionsOf(
  { libsql }: { readonly libsql: LibsqlOption },
  database: string,
): Required<LibsqlOptions> {
  const given = typeof libsql === "function" ? libsql(database) : libsql;
  if (typeof libsql === "function") {
    const mistakes = mistakesOfLibsql(given);
    if (mistakes.length > 0) throw new ServerError("invalid-option", mistakes.join("; "));
  }
  const { offline = "merge", probe = "offline" } = given;
  return { offline, probe };
}

/** What is wrong with the option; a function is only known to be one. */
export function mistakesOfLibsql(option: unknown): string[] {
  if (typeof option === "function") return [];
  if (typeof option !== "object" || option === null || Array.isArray(option))
    return ["libsql must be an object, or a function that gives one"];
  const known: Readonly<Record<string, readonly string[]>> = CHOICES;
  return Object.entries(option).flatMap(([name, value]: [string, unknown]) => {
    const choices = Object.hasOwn(known, name) ? known[name] : undefined;
    if (choices === undefined) return [`libsql may have ${Object.keys(CHOICES).join(", ")} and nothing else`];
    if (value === undefined || choices.includes(value as string)) return [];
    return [`libsql.${name} must be ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`];
  });
}
