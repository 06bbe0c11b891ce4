import type { DatabaseJobs, VerifyDepth } from "../database/database-jobs.js";
import { inlineJobs } from "../database/database-jobs.js";
import type { ServerDatabase } from "../database/server-database.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import { inlineWorkers } from "./inline-port.js";
import { PooledStream } from "./pooled-stream.js";
import { processWorkers } from "./process-port.js";
import { WorkerPool } from "./worker-pool.js";

/** Where the SQL of a server runs. */
export class SqlWorkers {
  readonly #pool: WorkerPool;
  /** Long work on files, done where it keeps nobody waiting. */
  readonly jobs: DatabaseJobs;
  readonly #openStreams = new Map<ServerDatabase, number>();
  readonly #isInline: boolean;
  readonly #jobsUnderWay = new Set<{ readonly path: string; readonly ended: Promise<unknown> }>();
  #lastStream = 0;

  /** `temporaryDirectory` is where SQLite puts what does not fit into memory; undefined: where the system says. */
  constructor(options: ResolvedServerOptions, temporaryDirectory: () => string | undefined) {
    const { clock, maxWorkers, statementTimeoutMs, workerIdleTimeoutMs } = options;
    const isInline = maxWorkers === 0;
    this.#isInline = isInline;
    this.#pool = new WorkerPool({
      start: isInline ? inlineWorkers(clock) : processWorkers(temporaryDirectory),
      clock,
      maxWorkers: Math.max(1, maxWorkers),
      isInterruptible: !isInline,
      statementTimeoutMs: isInline ? 0 : statementTimeoutMs,
      workerIdleTimeoutMs,
    });
    this.jobs = isInline ? inlineJobs : this.#workerJobs();
  }

  get status(): { running: number; busy: number; waiting: number } {
    return this.#pool.status;
  }

  /** How many streams of a database are open. */
  streamsOf(database: ServerDatabase): number {
    return this.#openStreams.get(database) ?? 0;
  }

  /** Opens a stream; `onClosed` is called once, when it is closed by whomever. */
  async open(database: ServerDatabase, readonly: boolean, onClosed: () => void): Promise<PooledStream> {
    const worker = await this.#pool.place(database);
    try {
      this.#lastStream += 1;
      const stream = new PooledStream({
        id: this.#lastStream,
        worker,
        database,
        readonly,
        onClosed: () => {
          this.#count(database, -1);
          this.#pool.noteStreamClosed(worker);
          onClosed();
        },
      });
      this.#count(database, 1);
      return stream;
    } finally {
      // Once the caller has sent its first request.
      setImmediate(() => this.#pool.release(worker));
    }
  }

  /**
   * Closes the connections that are kept to a database, and resolves when nothing here has one: its streams are closed, and
   * work on its file has ended. Waits for no other database.
   */
  flush(database: ServerDatabase): void | Promise<void> {
    const flushed = this.#flush(database);
    return this.#isInline ? undefined : flushed;
  }

  async #flush(database: ServerDatabase): Promise<void> {
    const jobs = [...this.#jobsUnderWay].filter(({ path }) => path === database.options.path);
    await Promise.all([this.#pool.flush(database), ...jobs.map(({ ended }) => ended)]);
  }

  /** Ends what runs. */
  close(): void | Promise<void> {
    const ended = this.#pool.close();
    return this.#isInline ? undefined : ended;
  }

  #count(database: ServerDatabase, by: 1 | -1): void {
    const count = this.streamsOf(database) + by;
    if (count === 0) this.#openStreams.delete(database);
    else this.#openStreams.set(database, count);
  }

  #workerJobs(): DatabaseJobs {
    return {
      checkpoint: async (path) => {
        await this.#run({ type: "checkpoint", path });
      },
      verify: async (path, depth) => {
        const result = await this.#run({ type: "verify", path, depth });
        return result.type === "verify" ? result.problems : [];
      },
    };
  }

  /** Jobs work for nobody's database, so that no statement of one waits for them. */
  async #run(
    message:
      | { readonly type: "checkpoint"; readonly path: string }
      | { readonly type: "verify"; readonly path: string; readonly depth: VerifyDepth },
  ): ReturnType<Awaited<ReturnType<WorkerPool["place"]>>["submit"]> {
    const result = this.#pool.place({}).then((worker) => {
      const submitted = worker.submit(message);
      this.#pool.release(worker);
      return submitted;
    });
    const job = { path: message.path, ended: result.catch(() => {}) };
    this.#jobsUnderWay.add(job);
    void job.ended.then(() => this.#jobsUnderWay.delete(job));
    return result;
  }
}
