import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FRAME_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { WalFile } from "./wal-file.js";

/** Sends one request; what the server does with it may be lost on either way. */
export type Send = (request: Request) => Promise<Response>;

/** What the client keeps: its file, its log, and where it is. */
interface State {
  readonly base: Buffer;
  readonly wal: Buffer | undefined;
  readonly generation: number;
  readonly durable: number;
}

const BATCH = 128;
const ATTEMPTS = 7;

/**
 * An offline replica, as npm `libsql` 0.5.29 has it: the same requests, the same state, the same checks of the answers, the same
 * ways to fail; on stock SQLite. Source: `libsql/src/sync.rs` of 0.9.30, and what was observed with the real client.
 */
export class LibsqlReplica {
  readonly #send: Send;
  readonly #url: string;
  readonly #directory: string;
  readonly #batch: number;
  #base: Buffer = Buffer.alloc(0);
  #wal: WalFile | undefined;
  #generation = 0;
  #durable = 0;
  readonly requests: string[] = [];
  isReadByOthers = false;

  private constructor(send: Send, url: string, directory: string, batch: number) {
    this.#batch = batch;
    this.#send = send;
    this.#url = url;
    this.#directory = mkdtempSync(join(directory, "replica-"));
  }

  /** Downloads the database. `batch`: frames of one request; the real client's are 128. */
  static async open(send: Send, url: string, directory: string, batch = BATCH): Promise<LibsqlReplica> {
    const replica = new LibsqlReplica(send, url, directory, batch);
    const info = await replica.#request("GET", "/info");
    if (info.status !== 200) throw new Error(`PullDb(${info.status}, ${await info.text()})`);
    const { current_generation: generation } = (await info.json()) as { current_generation: number };
    if (!Number.isInteger(generation) || generation < 1) throw new Error("InvalidRemoteState");
    const image = await replica.#request("GET", `/export/${generation}`);
    if (image.status !== 200) throw new Error(`PullFrame(${image.status}, ${await image.text()})`);
    replica.#base = Buffer.from(await image.arrayBuffer());
    replica.#generation = generation;
    return replica;
  }

  get generation(): number {
    return this.#generation;
  }

  get durable(): number {
    return this.#durable;
  }

  get frames(): number {
    return this.#wal?.count ?? 0;
  }

  /** A copy of its files. */
  save(): State {
    return {
      base: this.#base,
      wal: this.#wal?.bytes,
      generation: this.#generation,
      durable: this.#durable,
    };
  }

  restore({ base, wal, generation, durable }: State): void {
    this.#base = base;
    this.#wal = wal === undefined ? undefined : WalFile.parse(wal);
    this.#generation = generation;
    this.#durable = durable;
  }

  /** Writes locally. */
  exec(sql: string): void {
    this.#use((database) => {
      database.exec(sql);
      const path = join(this.#directory, "db-wal");
      if (existsSync(path) && readFileSync(path).length > 0) this.#wal = WalFile.parse(readFileSync(path));
    });
  }

  all(sql: string): unknown[] {
    let rows: unknown[] = [];
    this.#use((database) => {
      rows = database.prepare(sql).raw().all();
    });
    return rows;
  }

  /** Pushes if there is something to push, and pulls otherwise: never both. */
  async sync(): Promise<void> {
    if (this.frames > this.#durable) await this.#push(true);
    else await this.#pull();
  }

  async #push(mayRetry: boolean): Promise<void> {
    const end = this.frames + 1;
    let baton: string | undefined;
    for (let start = this.#durable + 1; start < end; start = this.#durable + 1) {
      const to = Math.min(start + this.#batch, end);
      const path = `/sync/${this.#generation}/${start}/${to}${baton === undefined ? "" : `/${baton}`}`;
      const response = await this.#request("POST", path, (this.#wal as WalFile).slice(start, to));
      const text = await response.text();
      if (response.status !== 200) throw new Error(`PushFrame(${response.status}, ${text})`);
      const answer = JSON.parse(text) as {
        status: string;
        generation: number;
        max_frame_no: number;
        baton?: string;
      };
      if (answer.status === "conflict")
        throw new Error(`InvalidPushFrameConflict(${start}, ${answer.max_frame_no})`);
      if (answer.status !== "ok") throw new Error("JsonValue");
      if (answer.max_frame_no > to - 1)
        throw new Error(`InvalidPushFrameNoHigh(${to - 1}, ${answer.max_frame_no})`);
      this.#durable = answer.max_frame_no;
      if (answer.max_frame_no < to - 1) {
        if (mayRetry) return this.#push(false);
        throw new Error(`InvalidPushFrameNoLow(${to - 1}, ${answer.max_frame_no})`);
      }
      this.#generation = answer.generation;
      baton = answer.baton;
    }
  }

  async #pull(): Promise<void> {
    let next = this.#durable + 1;
    for (;;) {
      const response = await this.#request("GET", `/sync/${this.#generation}/${next}/${next + this.#batch}`);
      if (response.status === 400 || response.status === 500) {
        const { generation } = (await response.json()) as { generation: number };
        if (!Number.isInteger(generation)) throw new Error("JsonValue");
        // What the client does about it: SIGABRT.
        if (next !== this.#durable + 1) throw new Error("aborted: the generation ends inside a transaction");
        if (generation <= this.#generation) return;
        this.#checkpoint();
        next = 1;
        continue;
      }
      if (response.status !== 200) throw new Error(`PullFrame(${response.status}, ${await response.text()})`);
      const body = Buffer.from(await response.arrayBuffer());
      if (body.length === 0 || body.length % FRAME_SIZE !== 0)
        throw new Error(`InvalidPullFrameBytes(${body.length})`);
      for (let at = 0; at < body.length; at += FRAME_SIZE) {
        this.#insert(next, body.subarray(at, at + FRAME_SIZE));
        next += 1;
      }
    }
  }

  #insert(index: number, frame: Buffer): void {
    if (index <= this.frames) {
      const own = (this.#wal as WalFile).slice(index, index + 1);
      if (!own.subarray(24).equals(frame.subarray(24))) throw new Error("WalConflict");
    } else {
      this.#wal ??= new WalFile();
      this.#wal.append(frame);
    }
    if (frame.readUInt32BE(4) > 0) this.#durable = index;
  }

  /** What a pull that was interrupted has left of a transaction is rolled back. */
  rollBack(): void {
    this.#wal?.truncate(this.#durable);
  }

  #checkpoint(): void {
    if (this.isReadByOthers) throw new Error("Failed to checkpoint WAL: database is locked");
    this.#use((database) => {
      database.pragma("wal_checkpoint(TRUNCATE)");
      this.#base = readFileSync(join(this.#directory, "db"));
    });
    this.#wal = undefined;
    this.#generation += 1;
    this.#durable = 0;
  }

  #use(work: (database: Database.Database) => void): void {
    const path = join(this.#directory, "db");
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    writeFileSync(path, this.#base);
    if (this.#wal !== undefined) writeFileSync(`${path}-wal`, this.#wal.bytes);
    const database = new Database(path);
    try {
      database.pragma("journal_mode = WAL");
      database.pragma("wal_autocheckpoint = 0");
      work(database);
    } finally {
      database.close();
    }
  }

  async #request(method: "GET" | "POST", path: string, body?: Buffer): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      this.requests.push(`${method} ${path}`);
      const headers = { authorization: "Bearer", ...(body && { "content-length": String(body.length) }) };
      const response = await this.#send(
        new Request(this.#url + path, { method, headers, ...(body && { body: new Uint8Array(body) }) }),
      );
      const isRetried = response.status > 500 || (response.status === 500 && method === "POST");
      if (!isRetried || attempt === ATTEMPTS) return response;
    }
  }
}
