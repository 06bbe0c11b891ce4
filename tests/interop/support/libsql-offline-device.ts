import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.js";

const SCRIPT = fileURLToPath(new URL("libsql-offline-device.mjs", import.meta.url));

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** What is said of a call on a device that is dead, or dies before it has answered. */
export class DeviceDied extends Error {
  override readonly name = "DeviceDied";
}

/** A device with libSQL's own client on it, in a process of its own, and the replica in its directory. */
export class LibsqlDevice {
  readonly path: string;
  /** Its `syncUrl`: may be changed between two calls of `open`. */
  url: string;
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #child: ChildProcess | undefined;
  #last = 0;

  /** The process is started with the first call, ended with the test. */
  constructor(url: string, options: Readonly<Record<string, unknown>> = {}) {
    this.path = join(temporaryDirectory(), "libsql.db");
    this.url = url;
    this.#options = options;
    onTestFinished(() => this.kill());
  }

  /** Opens the replica, with `offline: true` unless the options say otherwise. */
  async open(): Promise<this> {
    await this.call("open", this.path, { syncUrl: this.url, offline: true, ...this.#options });
    return this;
  }

  /** The same with `@libsql/client`. */
  async openClient(): Promise<this> {
    await this.call("openClient", {
      url: `file:${this.path}`,
      syncUrl: this.url,
      offline: true,
      ...this.#options,
    });
    return this;
  }

  exec(sql: string): Promise<unknown> {
    return this.call("exec", sql);
  }

  run(sql: string, ...args: unknown[]): Promise<unknown> {
    return this.call("run", sql, args);
  }

  async query(sql: string, ...args: unknown[]): Promise<unknown[][]> {
    return (await this.call("query", sql, args)) as unknown[][];
  }

  /** Pushes if there is something to push, else pulls. */
  sync(): Promise<unknown> {
    return this.call("sync");
  }

  close(): Promise<unknown> {
    return this.call("close");
  }

  /** Its tables and their rows, in the form of `contentsByName`. */
  async contents(): Promise<Record<string, string[]>> {
    return (await this.call("contents")) as Record<string, string[]>;
  }

  /** What `PRAGMA integrity_check` says of the replica. */
  async integrity(): Promise<unknown> {
    return (await this.query("PRAGMA integrity_check"))[0]?.[0];
  }

  /** The generation that its metadata file names. */
  get generation(): number {
    return (JSON.parse(readFileSync(`${this.path}-info`, "utf8")) as { generation: number }).generation;
  }

  /** Length of its log, bytes. */
  get logBytes(): number {
    return statSync(`${this.path}-wal`).size;
  }

  /** Rejects with what the client said, or with `DeviceDied`. */
  async call(name: string, ...args: unknown[]): Promise<unknown> {
    const child = await this.#start();
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.send({ id, name, args });
    });
  }

  /** Ends it as a crash would, in the middle of whatever it does. The files stay, and the next call starts it anew. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async #start(): Promise<ChildProcess> {
    if (this.#child !== undefined) return this.#child;
    // Its native part writes to stdout what goes wrong.
    const child = fork(SCRIPT, {
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    const ended = once(child, "exit").then(() => {
      throw new DeviceDied("the device did not start");
    });
    // After it has started, its end is told by the calls.
    ended.catch(() => {});
    await Promise.race([once(child, "message"), ended]);
    child.on("message", ({ id, value, error }: Answer) => {
      const call = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) call?.resolve(value);
      else call?.reject(new Error(error));
    });
    child.once("exit", (code, signal) => {
      if (this.#child === child) this.#child = undefined;
      for (const { reject } of this.#waiting.values())
        reject(new DeviceDied(`the device died: ${signal ?? code}`));
      this.#waiting.clear();
    });
    return child;
  }
}
