import { type Client, createClient, LibsqlError } from "@libsql/client";
import { createRandom, type SeededRandom } from "@tributary/testkit";
import { SHARED_TABLES, type Source } from "./source.js";

/** Where a server is now, and whether one was killed since. */
export interface RemoteAddress {
  /** Resolves with the URL, when there is a server. */
  url(): Promise<string>;
  /** Changes whenever a server is killed. */
  readonly kills: number;
}

const ROLLED_BACK: ReadonlySet<string> = new Set(["SQLITE_BUSY", "TRANSACTION_TIMEOUT"]);

/** Somebody who writes to the server itself, with `@libsql/client`. */
export class RemoteWriter {
  readonly source: Source;
  /** Transactions whose commit was answered. */
  acknowledged = 0;
  /** Transactions that the server may have. */
  begun = 0;
  readonly #address: RemoteAddress;
  readonly #random: SeededRandom;
  #client: { readonly url: string; readonly client: Client } | undefined;

  constructor(source: Source, address: RemoteAddress, random: SeededRandom) {
    this.source = source;
    this.#address = address;
    // Its own: who draws first must not depend on time.
    this.#random = createRandom(random.below(2 ** 31));
  }

  /** Makes the tables of these sources, and the shared ones. */
  async createTables(sources: readonly Source[]): Promise<void> {
    await this.run([...SHARED_TABLES, ...sources.map((source) => source.schema)]);
  }

  /** Runs statements while nobody is killed. */
  async run(statements: readonly string[]): Promise<void> {
    await (await this.#connected()).batch([...statements], "write");
  }

  /**
   * Commits the next transaction, in one of the ways there are. Where a kill took the answer it asks the next server
   * whether the transaction is there, as a careful client would, and otherwise sends it again.
   * @param also statements of the transaction that make no difference to the source's rows
   */
  async commit(also: readonly string[] = []): Promise<void> {
    const n = this.acknowledged + 1;
    this.begun = n;
    while (this.acknowledged < n) {
      const { kills } = this.#address;
      try {
        await this.#send(n, also);
        this.acknowledged = n;
      } catch (error) {
        // Nor is it an answer to a commit that the server has rolled back: a lock that was waited for in vain, or one
        // that was held for too long, on a machine with other things to do.
        const isRolledBack = error instanceof LibsqlError && ROLLED_BACK.has(error.code);
        if (this.#address.kills === kills && !isRolledBack) throw error;
        if ((await this.#reached()) >= n) this.acknowledged = n;
      }
    }
  }

  close(): void {
    this.#client?.client.close();
  }

  async #send(n: number, also: readonly string[]): Promise<void> {
    const client = await this.#connected();
    const statements = [...this.source.transaction(n), ...also];
    if (this.#random.chance(0.7)) {
      await client.batch(statements, "write");
      return;
    }
    const transaction = await client.transaction("write");
    try {
      for (const statement of statements) await transaction.execute(statement);
      await transaction.commit();
    } finally {
      transaction.close();
    }
  }

  async #reached(): Promise<number> {
    for (;;) {
      const { kills } = this.#address;
      try {
        const sql = "SELECT n FROM progress WHERE source = ?";
        const { rows } = await (await this.#connected()).execute({ sql, args: [this.source.name] });
        return Number(rows[0]?.[0] ?? 0);
      } catch (error) {
        if (this.#address.kills === kills) throw error;
      }
    }
  }

  async #connected(): Promise<Client> {
    const url = await this.#address.url();
    if (this.#client?.url !== url) {
      this.close();
      this.#client = { url, client: createClient({ url }) };
    }
    return this.#client.client;
  }
}
