import { Command, Option } from "commander";
import { addConnectionOptions, type ConnectionOptions } from "../client/connect.js";
import { addServeOptions, secretVariables } from "../options/add-serve-options.js";
import { resolveOptions } from "../options/resolve-options.js";
import { version } from "../version.js";
import { type BackupOptions, backup } from "./backup.js";
import { createDatabase, forkDatabase, listDatabases } from "./databases.js";
import { deleteDatabase } from "./delete.js";
import { exportDatabase } from "./export.js";
import { importDatabase } from "./import.js";
import { showStatus } from "./status.js";
import type { VerifyOptions } from "./verify.js";

type JsonOptions = ConnectionOptions & { readonly json?: boolean };

const OVERVIEW = `
Most used options of serve (all of them: tributary-server serve --help):
  --db <file>               serves one SQLite file
  --data <directory>        serves many databases, kept below a directory
  --listen <host:port>      where to listen (default: 127.0.0.1:8080)
  --auth-token-file <file>  lets in who shows a token of this file
  --tls-cert, --tls-key     serves HTTPS
  --config <file>           reads options from a JSON file

Examples:
  tributary-server --db app.db
  tributary-server --data /var/lib/tributary --listen 0.0.0.0:8080 \\
    --auth-token-file /etc/tributary/tokens
  tributary-server backup --all /backups/today --token-file admin-token

Exit codes: 0 all is well; 1 it failed; 2 the arguments or options cannot be
used; 3 requests were still running when the server ended.`;

const SERVE_NOTES = `
Each option is also a variable, TRIBUTARY_MAX_BODY for --max-body, and a key of
the configuration file, "maxBody". The first that is given counts: flag,
variable, file, default. A variable only, for a secret: ${secretVariables().join(", ")}.
Sizes are written as 64KiB, 256MiB or 16GiB, times as 500ms, 30s or 5m.

Examples:
  tributary-server --db app.db
  tributary-server serve --data /var/lib/tributary --create-on-use
  tributary-server serve --data /var/lib/tributary --listen 0.0.0.0:443 \\
    --tls-cert cert.pem --tls-key key.pem --auth-token-file tokens
  TRIBUTARY_DB=app.db TRIBUTARY_LOG_LEVEL=warn tributary-server

End it with Ctrl-C or SIGTERM: requests finish, open transactions are rolled
back, what was answered is on the disk. A second signal ends it at once. SIGHUP
reads tokens, keys and certificates again.`;

/** The command line of the program. Its actions reject where they fail. */
export function buildProgram(): Command {
  const program = new Command("tributary-server")
    .description("Serves SQLite databases to Tributary, Turso and libSQL clients.")
    .version(version, "-V, --version", "Prints the version.")
    .helpOption("-h, --help", "Prints this help.")
    .helpCommand("help [command]", "Prints the help of a command.")
    .addHelpText("after", OVERVIEW)
    .exitOverride();
  const serveCommand = program
    .command("serve", { isDefault: true })
    .description("Serves one database or many (what happens without a command).");
  addServeOptions(serveCommand)
    .addHelpText("after", SERVE_NOTES)
    .action(async (_options: unknown, command: Command) => {
      const options = resolveOptions({
        flags: command.opts(),
        unknownArguments: command.args,
        commands: program.commands.map((each) => each.name()),
        variables: process.env,
      });
      // All that serves is loaded here and in verify: a help, or a mistake, shall be there at once.
      const { serve } = await import("./serve.js");
      await serve(options);
    });
  addDatabaseCommands(program);
  addCopyCommands(program);
  return program;
}

function addDatabaseCommands(program: Command): void {
  connected(program, "status", "Shows the open databases and what the server does.", [
    "status",
    "status --url https://sync.example.com --token-file token",
    "status --json",
  ])
    .addOption(jsonOption())
    .action((options: JsonOptions) => showStatus(options));
  connected(program, "list", "Lists all databases, one a line.", ["list", "list --json"])
    .addOption(jsonOption())
    .action((options: JsonOptions) => listDatabases(options));
  connected(program, "create <name>", "Creates an empty database.", ["create acme"]).action(
    (name: string, options: ConnectionOptions) => createDatabase(name, options),
  );
  connected(
    program,
    "fork <from> <to>",
    "Copies a database as it is now into a new one, while it is in use.",
    ["fork acme acme-test"],
  ).action((from: string, to: string, options: ConnectionOptions) => forkDatabase(from, to, options));
  connected(program, "delete <name>", "Deletes a database for good.", [
    "delete acme-test",
    "delete acme-test --yes",
  ])
    .option("--yes", "Does not ask.")
    .action((name: string, options: ConnectionOptions & { readonly yes?: boolean }) =>
      deleteDatabase(name, options),
    );
}

function addCopyCommands(program: Command): void {
  connected(program, "import <name> <file>", "Makes a new database of an SQLite file.", [
    "import acme acme.db",
    "import acme acme.db --token-file admin-token",
  ]).action((name: string, file: string, options: ConnectionOptions) => importDatabase(name, file, options));
  connected(
    program,
    "export <name> <file>",
    "Saves a database as an SQLite file, as it is now; - for stdout.",
    ["export acme acme.db", "export acme - | gzip > acme.db.gz"],
  ).action((name: string, file: string, options: ConnectionOptions) => exportDatabase(name, file, options));
  connected(
    program,
    "backup <arguments...>",
    "Saves databases to DIRECTORY/NAME.db, each one consistent, while they are in use. Overwrites nothing.",
    [
      "backup acme /backups/2026-11-21",
      "backup --all /backups/2026-11-21",
      "backup /backups/2026-11-21    where there is only one",
    ],
  )
    .usage("[options] [name] <directory>")
    .option("--all", "All databases.")
    .addOption(jsonOption())
    .action((args: string[], options: BackupOptions) => backup(args, options));
  connected(
    program,
    "verify <names...>",
    "Checks SQLite files, in use or not; with --url, databases of a server. Reads all of each.",
    ["verify /backups/today/*.db", "verify --url http://127.0.0.1:8080 --token-file token acme"],
  )
    .usage("[options] <file...> | --url <url> <name...>")
    .addOption(jsonOption())
    .action(async (names: string[], options: VerifyOptions) => {
      const { verify } = await import("./verify.js");
      await verify(names, options);
    });
}

/** A command that speaks to a server that runs. */
function connected(
  program: Command,
  usage: string,
  description: string,
  examples: readonly string[],
): Command {
  const lines = examples.map((example) => `  tributary-server ${example}`);
  return addConnectionOptions(program.command(usage).description(description)).addHelpText(
    "after",
    `\nExamples:\n${lines.join("\n")}`,
  );
}

function jsonOption(): Option {
  return new Option("--json", "Prints JSON, for programs.");
}
