import { expect, test } from "vitest";
import { createRandom } from "../support/random.js";
import { copyOffline } from "./support/copy-offline.js";
import type { LibsqlReplica } from "./support/libsql-replica.js";
import { type OfflineHarness, openOffline } from "./support/open-offline.js";

// Devices write, sync over a way that loses requests and answers, and are put back to what they were; the server is killed.
// In the end all are the same, and what was written once is there once.

const ROUNDS = 40;
const OPTIONS = { rollFrames: 12 };
/** Small, so that transactions take several. */
const BATCH = 3;

class Lost extends Error {}

class World {
  readonly #random: (limit: number) => number;
  server: OfflineHarness;
  readonly devices: LibsqlReplica[] = [];
  /** Of each device, what it may be put back to. */
  readonly #backups = new Map<LibsqlReplica, ReturnType<LibsqlReplica["save"]>>();
  /** What the log must hold. */
  readonly entries: string[] = [];
  fault: "request" | "answer" | "kill" | undefined;

  constructor(seed: number) {
    const random = createRandom(seed);
    this.#random = (limit) => Math.floor(random() * limit);
    this.server = openOffline(OPTIONS);
    this.server.exec(
      "CREATE TABLE log(entry); CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX by_a ON t(a)",
    );
    this.server.exec("CREATE TABLE large(entry, body)");
  }

  async open(): Promise<void> {
    for (const name of ["one", "two", "three"])
      this.devices.push(await this.server.replica(name, (request) => this.#send(request), BATCH));
  }

  async round(): Promise<void> {
    const device = this.devices[this.#random(3)] as LibsqlReplica;
    if (this.#random(6) === 0) this.#backups.set(device, device.save());
    if (this.#random(6) === 0) this.#putBack(device);
    for (let count = this.#random(3); count > 0; count--) device.exec(this.#write());
    if (this.#random(4) === 0) this.server.exec(this.#write());
    this.fault = [undefined, undefined, "request", "answer", "kill"][this.#random(5)] as typeof this.fault;
    await this.#sync(device);
    this.fault = undefined;
  }

  async converge(): Promise<void> {
    for (let round = 0; round < 4; round++) for (const device of this.devices) await this.#sync(device);
  }

  async #sync(device: LibsqlReplica): Promise<void> {
    const isPull = device.frames === device.durable;
    try {
      await device.sync();
    } catch (error) {
      // It says so, and goes on from there the next time.
      if (!(error instanceof Lost) && !String(error).includes("NoLow")) throw error;
      if (isPull) device.rollBack();
    }
  }

  async #send(request: Request): Promise<Response> {
    const { fault } = this;
    // Not always the first request.
    const isHit = fault !== undefined && this.#random(2) === 0;
    if (isHit && fault === "request") throw new Lost("on the way there");
    const response = await this.server.send(request);
    if (!isHit) return response;
    if (fault === "kill") this.server = openOffline({ ...OPTIONS, path: copyOffline(this.server.path) });
    throw new Lost("on the way back");
  }

  /** Not where it would lose what it has not pushed, nor to a generation that it was done with. */
  #putBack(device: LibsqlReplica): void {
    const backup = this.#backups.get(device);
    if (device.frames === device.durable && backup?.generation === device.generation) device.restore(backup);
  }

  #write(): string {
    const entry = `entry-${this.entries.length}`;
    const id = this.#random(8);
    switch (this.#random(6)) {
      case 0:
        return `INSERT INTO t VALUES(${id}, '${entry}', 0) ON CONFLICT DO UPDATE SET a = '${entry}'`;
      case 1:
        return `UPDATE t SET b = '${entry}' WHERE id = ${id}`;
      case 2:
        return `DELETE FROM t WHERE id = ${id}`;
      case 3:
        this.entries.push(entry);
        return `BEGIN; INSERT INTO log VALUES('${entry}'); INSERT INTO large VALUES('${entry}', hex(zeroblob(9000))); COMMIT`;
      default:
        this.entries.push(entry);
        return `INSERT INTO log VALUES('${entry}')`;
    }
  }
}

test.each([1, 11])("devices and a server that fail at random converge (seed %i)", async (seed) => {
  const world = new World(seed);
  await world.open();
  for (let round = 0; round < ROUNDS; round++) await world.round();
  await world.converge();
  const { server, devices, entries } = world;
  expect(server.all("SELECT entry FROM log").flat().sort()).toEqual([...entries].sort());
  for (const sql of [
    "SELECT * FROM log ORDER BY 1",
    "SELECT * FROM t ORDER BY 1",
    "SELECT * FROM large ORDER BY 1",
  ])
    for (const device of devices) expect(device.all(sql)).toEqual(server.all(sql));
  for (const device of devices) expect(device.all("PRAGMA integrity_check")).toEqual([["ok"]]);
  expect(server.all("PRAGMA integrity_check")).toEqual([["ok"]]);
});
