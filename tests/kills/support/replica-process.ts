import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { KillRun } from "./kill-run.js";
import type { Statement } from "./source.js";

const program = fileURLToPath(new URL("./replica-process.mjs", import.meta.url));

/** What the process says: the name of what it has done, and what there is to say of it. */
export type ReplicaEvent = readonly [name: string, ...details: unknown[]];

/** A local transaction, with its number. */
interface NumberedTransaction {
  readonly n: number;
  readonly statements: readonly Statement[];
}

/** What the process does next. */
export type ReplicaStep =
  | { readonly step: "commit"; readonly transaction: NumberedTransaction }
  | {
      readonly step: "push" | "pull" | "sync" | "checkpoint" | "close";
      /** Committed while the operation runs. */
      readonly meanwhile?: readonly NumberedTransaction[];
    };

/** What it opens. */
export interface ReplicaOpening {
  readonly path: string;
  /** A file with the server's URL; empty while there is no server. */
  readonly urlFile: string;
  readonly options?: Record<string, string | number>;
}

/** A process with a replica, and the end that waits for it. */
export class ReplicaProcess {
  /** Told every event, at once. */
  onEvent: (event: ReplicaEvent) => void = () => {};
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #events: ReplicaEvent[] = [];
  #wake: () => void = () => {};
  #ended = false;
  #partial = "";
  #errors = "";

  private constructor() {
    this.#child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "pipe"] });
    this.#exited = new Promise((resolve) => {
      this.#child.once("close", () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.stderr?.on("data", (chunk) => {
      this.#errors += String(chunk);
    });
    this.#child.stdout?.on("data", (chunk) => this.#take(String(chunk)));
  }

  /** Begins a process that imports what it needs and then waits for `open`: that takes longer than all that follows. */
  static start(run: Pick<KillRun, "atEnd">): ReplicaProcess {
    if (!existsSync(new URL("../../../packages/replica/dist/index.js", import.meta.url))) {
      throw new Error("packages/replica has not been built: run npm test, which builds first.");
    }
    const replica = new ReplicaProcess();
    run.atEnd(() => {
      replica.strike();
      return replica.#exited;
    });
    return replica;
  }

  open(opening: ReplicaOpening): void {
    this.#child.stdin?.write(`${JSON.stringify(opening)}\n`);
  }

  run(steps: readonly ReplicaStep[]): void {
    this.#child.stdin?.write(`${JSON.stringify(steps)}\n`);
  }

  /** Resolves with the event of that name; rejects when the process says that it failed, or ends. */
  async until(name: string): Promise<ReplicaEvent> {
    for (;;) {
      const found = this.#events.find(([event]) => event === name);
      if (found !== undefined) return found;
      const failure = this.#events.find(([event, operation]) => event === "failed" && operation === name);
      if (failure !== undefined) throw new Error(`The replica failed: ${failure.slice(1).join(" ")}`);
      if (this.#ended) throw new Error(`The replica ended before it said ${name}. ${this.#errors}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** As `until`, but resolves with `undefined` when the process was killed before. */
  async untilOrKilled(name: string): Promise<ReplicaEvent | undefined> {
    try {
      return await this.until(name);
    } catch (error) {
      if (this.wasKilled) return undefined;
      throw error;
    }
  }

  /** What it has said, up to its end. */
  get events(): readonly ReplicaEvent[] {
    return this.#events;
  }

  get wasKilled(): boolean {
    return this.#child.killed;
  }

  /** Sends SIGKILL, in this very moment. */
  strike(): void {
    this.#child.kill("SIGKILL");
  }

  /** Sends SIGKILL and resolves when the process is gone and all it has said is known. */
  async kill(): Promise<void> {
    this.strike();
    await this.gone();
  }

  async gone(): Promise<void> {
    await this.#exited;
    if (!this.wasKilled) throw new Error(`The replica ended by itself. ${this.#errors}`);
  }

  #take(chunk: string): void {
    const lines = (this.#partial + chunk).split("\n");
    this.#partial = lines.pop() as string;
    for (const line of lines) {
      const event = JSON.parse(line) as ReplicaEvent;
      this.#events.push(event);
      this.onEvent(event);
    }
    this.#wake();
  }
}
