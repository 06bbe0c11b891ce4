import { type ChildProcess, fork, type Serializable } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromHost } from "../sql-host/host-messages.js";
import type { StartWorker } from "./worker-port.js";

/** What was built: the sources, run by a test, lie as deep. */
const MAIN = fileURLToPath(new URL("../../dist/sql-host/main.js", import.meta.url));
/** How much of what a process says before it dies is kept, characters. */
const LAST_WORDS = 2_000;

/**
 * Hosts in processes of their own. A thread would be cheaper, but cannot be stopped in the middle of a statement:
 * better-sqlite3 has no interrupt, and `Worker.terminate` waits for the native code to return. A process can be killed, and
 * SQLite's files are made for that.
 *
 * `temporaryDirectory` is where SQLite puts what does not fit into memory; undefined: where the system says.
 */
export function processWorkers(temporaryDirectory: () => string | undefined): StartWorker {
  return ({ onMessages, onEnd }) => {
    // Loaders and inspectors of the host are not meant for it, and its settings hold secrets.
    const isForHost = (name: string): boolean => name === "NODE_OPTIONS" || name.startsWith("TRIBUTARY_");
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForHost(name)));
    const directory = temporaryDirectory();
    let lastWords = "";
    let ended = false;
    const end = (reason: string): void => {
      if (ended) return;
      ended = true;
      onEnd(reason, lastWords.trim());
    };
    // Not at once: whoever starts it may have to be given it before it is told that it is gone.
    const fail = (error: unknown): void => {
      lastWords += String(error);
      setImmediate(() => end("it could not be started or reached"));
    };
    let child: ChildProcess;
    try {
      child = fork(MAIN, [], {
        serialization: "advanced",
        execArgv: [],
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        env: directory === undefined ? environment : { ...environment, SQLITE_TMPDIR: directory },
      });
    } catch (error) {
      // Some failures of the system are thrown, others are events.
      fail(error);
      return { send() {}, keepAlive() {}, kill() {} };
    }
    child.stderr?.on("data", (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS);
    });
    child.on("message", (messages) => {
      if (!ended) onMessages(messages as readonly FromHost[]);
    });
    child.on("error", fail);
    child.on("exit", (code, signal) => end(`it ended with ${signal ?? `exit code ${code}`}`));
    child.unref();
    child.channel?.unref();
    // There is none where there were no descriptors left.
    const { stderr } = child as { readonly stderr: object | null | undefined };
    if (stderr != null && "unref" in stderr) (stderr as { unref(): void }).unref();
    return {
      send(messages) {
        // Where it is gone already, `exit` says so.
        if (!ended && child.connected) child.send(messages as Serializable, () => {});
      },
      keepAlive(isNeeded) {
        if (isNeeded) child.channel?.ref();
        else child.channel?.unref();
      },
      kill() {
        // Somebody may wait for its end, and for nothing else.
        child.ref();
        child.kill("SIGKILL");
      },
    };
  };
}
