import { checkTogether } from "./check-together.js";
import type { OptionEntry } from "./option-entry.js";
import { closestName, flagOf, VARIABLE_PREFIX, variableOf } from "./option-names.js";
import { OPTION_ENTRIES, type OptionKey, type OptionValues } from "./option-table.js";
import { readConfigFile } from "./read-config-file.js";
import { UsageError } from "./usage-error.js";
import { VALUE_KINDS } from "./value-kinds.js";

/** Where options come from. Of an option that several have, the first counts: flag, variable, file, default. */
export interface OptionSources {
  /** By key, as text; true for a switch. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** What else stands on the command line: nothing is allowed there. */
  readonly unknownArguments?: readonly string[];
  /** Names of the commands that there are, for those who mistype one. */
  readonly commands?: readonly string[];
  /** The environment. Only what begins with TRIBUTARY_ is looked at; empty ones count as not given. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Variables of the other commands. */
const OTHER_VARIABLES = ["TRIBUTARY_CONFIG", "TRIBUTARY_URL", "TRIBUTARY_TOKEN"];

/** The command line itself has those without a value. */
const SWITCHES = OPTION_ENTRIES.filter(([, { kind }]) => kind === "switch").map(([key]) => key);

interface Given {
  /** As one would look for it: `--db`, `TRIBUTARY_DB`, `"db" in server.json`. */
  readonly where: string;
  readonly raw: unknown;
}

/** Reads and checks the options of the server. Throws `UsageError` with all mistakes of all sources. */
export function resolveOptions(sources: OptionSources): OptionValues {
  const { flags, unknownArguments = [], commands = [], variables } = sources;
  const [first] = unknownArguments;
  if (first !== undefined && !first.startsWith("-") && Object.keys(flags).length === 0)
    throw new UsageError([mistakeOfCommand(first, commands)]);
  const mistakes = [...mistakesOfArguments(unknownArguments), ...mistakesOfVariables(variables)];
  const file = readFile(flags, variables, mistakes);
  const values: Record<string, unknown> = {};
  const given = new Map<OptionKey, string>();
  for (const [key, entry] of OPTION_ENTRIES) {
    // All are checked, also those that another source overrules: a mistake is a mistake.
    const found = sourcesOf(key, entry, flags, variables, file);
    const results = found.map((source) => readValue(entry, source, mistakes));
    if (found[0] !== undefined) given.set(key, found[0].where);
    values[key] = found.length > 0 ? results[0] : defaultOf(entry);
  }
  mistakes.push(...checkTogether(values as OptionValues, given));
  if (mistakes.length > 0) throw new UsageError(mistakes);
  return values as OptionValues;
}

function readFile(
  flags: OptionSources["flags"],
  variables: OptionSources["variables"],
  mistakes: string[],
): { readonly path: string; readonly content: Readonly<Record<string, unknown>> } | undefined {
  const path = (flags.config as string | undefined) ?? (variables.TRIBUTARY_CONFIG || undefined);
  if (path === undefined) return undefined;
  try {
    const content = readConfigFile(path);
    const keys = OPTION_ENTRIES.map(([key]) => key);
    for (const key of Object.keys(content)) {
      if (!keys.includes(key as OptionKey))
        mistakes.push(`"${key}" in ${path} is no option${guess(key, keys)}`);
    }
    return { path, content };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    mistakes.push(...error.mistakes);
    return undefined;
  }
}

function sourcesOf(
  key: OptionKey,
  { hasNoFlag }: OptionEntry,
  flags: OptionSources["flags"],
  variables: OptionSources["variables"],
  file: ReturnType<typeof readFile>,
): Given[] {
  const sources: Given[] = [];
  if (hasNoFlag !== true && flags[key] !== undefined) sources.push({ where: flagOf(key), raw: flags[key] });
  const variable = variables[variableOf(key)];
  if (variable !== undefined && variable !== "") sources.push({ where: variableOf(key), raw: variable });
  if (file !== undefined && Object.hasOwn(file.content, key)) {
    sources.push({ where: `"${key}" in ${file.path}`, raw: file.content[key] });
  }
  return sources;
}

function readValue({ kind, isPositive }: OptionEntry, { where, raw }: Given, mistakes: string[]): unknown {
  const { schema, isSecret } = VALUE_KINDS[kind];
  const { success, data, error } = schema.safeParse(raw);
  if (success && !(isPositive === true && data === 0)) return data;
  if (success) {
    mistakes.push(`${where} must be more than 0`);
    return undefined;
  }
  const shown = isSecret === true || raw === "" ? "" : `, not ${JSON.stringify(raw).slice(0, 80)}`;
  mistakes.push(`${where} ${error.issues.map(({ message }) => message).join(" and ")}${shown}`);
  return undefined;
}

function defaultOf(entry: OptionEntry): unknown {
  return entry.default === undefined ? undefined : VALUE_KINDS[entry.kind].schema.parse(entry.default);
}

/** The first word of a command line without options is most likely meant as one. */
function mistakeOfCommand(word: string, commands: readonly string[]): string {
  const closest = closestName(word, commands, 2);
  const what = `there is no command ${JSON.stringify(word)}`;
  return closest === undefined
    ? `${what}: --help lists them`
    : `${what}; did you mean ${closest}? --help lists them`;
}

function mistakesOfArguments(unknown: readonly string[]): string[] {
  const flags = OPTION_ENTRIES.filter(([, entry]) => entry.hasNoFlag !== true).map(([key]) => flagOf(key));
  return unknown.flatMap((text, index) => {
    if (text.startsWith("-")) {
      const name = text.split("=", 1)[0] as string;
      const key = SWITCHES.find((each) => flagOf(each) === name);
      if (key !== undefined) {
        return [
          `${name} takes no value: leave it out, or set ${variableOf(key)} or "${key}" in the file to false`,
        ];
      }
      return [`${name} is no option${guess(name, [...flags, "--config"])}`];
    }
    // The value of an unknown option, most likely.
    if (index > 0 && /^-[^=]*$/.test(unknown[index - 1] as string)) return [];
    return [`the argument ${JSON.stringify(text)} has no place here`];
  });
}

function mistakesOfVariables(variables: OptionSources["variables"]): string[] {
  const known = [...OPTION_ENTRIES.map(([key]) => variableOf(key)), ...OTHER_VARIABLES];
  return Object.keys(variables)
    .filter((name) => name.startsWith(VARIABLE_PREFIX) && !known.includes(name))
    .map((name) => `${name} is no option${guess(name, known)}`);
}

function guess(name: string, names: readonly string[]): string {
  const closest = closestName(name, names);
  return closest === undefined ? "" : `; did you mean ${closest}?`;
}
