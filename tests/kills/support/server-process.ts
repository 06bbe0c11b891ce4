import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KillRun } from "./kill-run.js";
import type { RemoteAddress } from "./remote-writer.js";

const launcher = fileURLToPath(new URL("../../../apps/server/bin/tributary-server.js", import.meta.url));

/** The reference server in a process of its own: killed, and started again on the same file, on another port. */
export class ServerProcess implements RemoteAddress {
  /** Its database. */
  readonly file: string;
  /** A file with its URL, for processes; empty while it is down. */
  readonly urlFile: string;
  kills = 0;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #up!: Promise<string>;
  #isUp: (url: string) => void = () => {};

  constructor({ directory, atEnd }: KillRun) {
    if (!existsSync(new URL("../../../apps/server/dist/cli.js", import.meta.url))) {
      throw new Error("apps/server has not been built: run npm test, which builds first.");
    }
    this.file = join(directory, "server.db");
    this.urlFile = join(directory, "server.url");
    this.#goDown();
    atEnd(async () => {
      this.#child?.kill("SIGKILL");
      await this.#gone;
    });
  }

  /** Resolves when there is a server. */
  url(): Promise<string> {
    return this.#up;
  }

  async start(): Promise<void> {
    const args = [launcher, "--db", this.file, "--listen", "127.0.0.1:0"];
    // Variables of the tests are no options of the server, which refuses those that it does not know.
    const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("TRIBUTARY_"));
    const env = Object.fromEntries(ours);
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env });
    this.#child = child;
    let output = "";
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += String(chunk);
    });
    const listening = new Promise<string>((resolve) => {
      child.stdout.on("data", (chunk) => {
        output += String(chunk);
        const url = /^tributary-server listening on (\S+)\n/.exec(output)?.[1];
        if (url !== undefined) resolve(url);
      });
    });
    this.#gone = new Promise((resolve) => void child.once("close", () => resolve()));
    const early = this.#gone.then(() => {
      throw new Error(`The server ended before it listened. ${errors}`);
    });
    // After it has listened, its end is what the test is about.
    early.catch(() => {});
    const url = await Promise.race([listening, early]);
    writeFileSync(this.urlFile, url);
    this.#isUp(url);
  }

  /** Sends SIGKILL, in this very moment. */
  strike(): void {
    if (this.#child?.exitCode !== null) throw new Error("The server had ended by itself.");
    this.kills++;
    this.#goDown();
    this.#child.kill("SIGKILL");
  }

  async gone(): Promise<void> {
    await this.#gone;
  }

  #goDown(): void {
    writeFileSync(this.urlFile, "");
    this.#up = new Promise((resolve) => {
      this.#isUp = resolve;
    });
  }
}
