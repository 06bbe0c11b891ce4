import { type Command, Option } from "commander";
import type { OptionEntry } from "./option-entry.js";
import { flagOf, variableOf } from "./option-names.js";
import { OPTION_ENTRIES } from "./option-table.js";
import { VALUE_KINDS } from "./value-kinds.js";

/**
 * Gives a command the flags of the table. Their values stay text: `resolveOptions` reads them together with those of the
 * other sources, and so it does with flags that do not exist.
 */
export function addServeOptions(command: Command): Command {
  command.allowUnknownOption().allowExcessArguments();
  command.addOption(
    new Option("--config <file>", "Reads options from a JSON file: keys are the flags in camelCase.").env(
      "TRIBUTARY_CONFIG",
    ),
  );
  for (const [key, entry] of OPTION_ENTRIES) {
    if (entry.hasNoFlag === true) continue;
    const { placeholder, isList } = VALUE_KINDS[entry.kind];
    const flags = placeholder === undefined ? flagOf(key) : `${flagOf(key)} <${placeholder}>`;
    const option = new Option(flags, describe(entry)).helpGroup(`${entry.group}:`);
    if (isList === true)
      option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
    command.addOption(option);
  }
  return command;
}

function describe({ description, default: fixed, defaultNote }: OptionEntry): string {
  const value = fixed === "false" ? undefined : (fixed ?? defaultNote);
  return value === undefined ? description : `${description.replace(/\.$/, "")} (default: ${value}).`;
}

/** The variables that have no flag, for the help. */
export function secretVariables(): string[] {
  return OPTION_ENTRIES.filter(([, entry]) => entry.hasNoFlag === true).map(([key]) => variableOf(key));
}
