import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { parseListenAddress } from "./listen-address.js";
import { startServer } from "./start-server.js";

interface CliOptions {
  readonly db: string;
  readonly listen: string;
}

const EXAMPLES = `
Examples:
  tributary-server --db app.db
  tributary-server --db /var/lib/app/app.db --listen 0.0.0.0:8080

The file is created if it does not exist. Clients sync with the address that is printed; libSQL clients can run SQL on
it as well. There is no authentication yet: listen on an address that only trusted programs can reach.
End it with Ctrl-C or SIGTERM: open transactions are rolled back, everything that was answered is on the disk.`;

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("tributary-server")
  .description("Serves an SQLite database to Tributary, Turso and libSQL clients.")
  .version(version)
  .requiredOption("--db <file>", "the SQLite database to serve", checkFile)
  .option("--listen <host:port>", "where to listen; port 0 takes any free one", checkListen, "127.0.0.1:8080")
  .addHelpText("after", EXAMPLES)
  .exitOverride();

await main();

async function main(): Promise<void> {
  try {
    program.parse();
  } catch (error) {
    // commander has written what there is to say, help and version included.
    process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
    return;
  }
  const { db, listen } = program.opts<CliOptions>();
  try {
    const server = await startServer({ db, listen });
    console.log(`tributary-server listening on ${server.url}`);
    endOnSignal(() => server.close());
  } catch (error) {
    console.error(`tributary-server: ${explain(error, listen)}`);
    process.exitCode = 1;
  }
}

function explain(error: unknown, listen: string): string {
  if (!(error instanceof Error)) return String(error);
  switch ("code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return `another program listens on ${listen}: end it, or give another --listen`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${listen} is not an address of this machine: give another --listen`;
    case "EACCES":
      return `${listen} may not be listened on: give a port of 1024 or more`;
    default:
      return error.message;
  }
}

function endOnSignal(close: () => Promise<void>): void {
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`tributary-server: ${error instanceof Error ? error.message : String(error)}`);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
}

function checkFile(text: string): string {
  if (text.trim() === "" || text === ":memory:") throw new InvalidArgumentError("--db must name a file.");
  return text;
}

function checkListen(text: string): string {
  try {
    parseListenAddress(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
