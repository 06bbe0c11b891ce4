import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { type KeptLink, keepLinked, linkStreams } from "@tributary/live";
import { type CapturedDatabase, openCapturedDatabase } from "@tributary/streams";
import { createFaultyChannels, type FaultyChannels } from "../support/faulty-channel.js";
import type { StreamsWorld } from "./streams-world.js";

/** One database of the star or chain, with the link to the one that it is a spoke of. It can die, and come back from its files. */
export class StreamsSite {
  readonly number: number;
  readonly parent: StreamsSite | undefined;
  readonly #world: StreamsWorld;
  readonly #channels = new Set<FaultyChannels>();
  #life = 0;
  #path: string;
  #hasEnded = false;
  database!: CapturedDatabase;
  kept: KeptLink | undefined;
  isOffline = false;

  constructor(world: StreamsWorld, number: number, parent: StreamsSite | undefined) {
    this.#world = world;
    this.number = number;
    this.parent = parent;
    this.#path = this.#pathOf(0);
  }

  open(): void {
    this.#hasEnded = false;
    const { clock, random, prefix } = this.#world;
    this.database = openCapturedDatabase({
      path: this.#path,
      name: `${prefix}${this.number}`,
      database: { synchronous: "OFF" },
      clock: { now: () => clock.now(), randomBytes: (count) => random.bytes(count) },
    });
    const { parent } = this;
    if (parent === undefined) return;
    this.kept = keepLinked(async () => this.#connect(parent), {
      streams: this.database,
      clock,
      ackTimeoutMs: 500,
      maxRetryMs: 2000,
      window: 1 + random.below(4),
      receive: { rebase: !this.#world.isOneWay },
      send: !this.#world.isOneWay && { maxBytes: random.pick([200, 2000, 256 * 1024]) },
    });
  }

  exec(sql: string): void {
    this.database.db.exec(sql);
  }

  /** The process is gone, and its files are what is left. */
  crash(): void {
    const old = this.#path;
    const path = this.#pathOf(++this.#life);
    for (const end of ["", "-wal"]) if (existsSync(old + end)) copyFileSync(old + end, path + end);
    this.#path = path;
    this.end();
    this.open();
  }

  /** Whatever the network is made of, is gone. */
  cut(): void {
    for (const channels of this.#channels) channels.cut();
    this.#channels.clear();
  }

  end(): void {
    this.#hasEnded = true;
    this.cut();
    this.kept?.close();
    this.database.close();
  }

  #connect(parent: StreamsSite): FaultyChannels["left"] {
    if (this.isOffline || parent.isOffline) throw this.#world.unreachable();
    const { clock, random } = this.#world;
    const channels = createFaultyChannels(clock, random, this.#world.faults());
    for (const site of [this, parent]) site.#channels.add(channels);
    const life = parent.#life;
    linkStreams(channels.right, {
      streams: parent.database,
      clock,
      ackTimeoutMs: 500,
      send: { maxBytes: random.pick([200, 2000, 256 * 1024]) },
      receive: this.#world.isOneWay ? false : {},
      onClose: (error) => {
        // With its process everything of a site ends.
        if (parent.#life === life && !parent.#hasEnded) this.#world.linkEnded(parent, error);
      },
    });
    return channels.left;
  }

  #pathOf(life: number): string {
    return join(this.#world.directory, `${this.#world.prefix}${this.number}-${life}.db`);
  }
}
