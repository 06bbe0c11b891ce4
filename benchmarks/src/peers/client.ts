/** Whose client it is. */
export type ClientKind = "tributary" | "turso";

export const CLIENT_NAMES: Readonly<Record<ClientKind, string>> = { tributary: "Tributary", turso: "Turso" };

/** A replica with the settings that it has by itself. */
export interface Client {
  exec(sql: string): Promise<void>;
  /** Runs one statement for each row, in one transaction. */
  insert(sql: string, rows: readonly (readonly (number | string)[])[]): Promise<void>;
  /** The first value of the first row. */
  value(sql: string): Promise<unknown>;
  push(): Promise<void>;
  pull(): Promise<void>;
  close(): Promise<void>;
}

export async function openClient(kind: ClientKind, path: string, url: string): Promise<Client> {
  return kind === "tributary" ? openTributary(path, url) : openTurso(path, url);
}

/** Loads the code of a client, so that opening one later is nothing but that. */
export async function loadClient(kind: ClientKind): Promise<void> {
  await (kind === "tributary" ? import("@tributary/replica") : import("@tursodatabase/sync"));
}

async function openTributary(path: string, url: string): Promise<Client> {
  const { openReplica } = await import("@tributary/replica");
  const replica = await openReplica({ path, url });
  const { db } = replica;
  return {
    exec: async (sql) => void db.exec(sql),
    async insert(sql, rows) {
      const statement = db.prepare(sql);
      db.transaction(() => {
        for (const row of rows) statement.run(...row);
      })();
    },
    value: async (sql) => db.prepare(sql).pluck().get(),
    push: async () => void (await replica.push()),
    pull: async () => void (await replica.pull()),
    close: () => replica.close(),
  };
}

async function openTurso(path: string, url: string): Promise<Client> {
  const { connect } = await import("@tursodatabase/sync");
  const db = await connect({ path, url });
  return {
    exec: (sql) => db.exec(sql),
    async insert(sql, rows) {
      const statement = await db.prepare(sql);
      await db.exec("BEGIN");
      for (const row of rows) await statement.run(...row);
      await db.exec("COMMIT");
    },
    async value(sql) {
      const row = (await (await db.prepare(sql)).raw().get()) as unknown[] | undefined;
      return row?.[0];
    },
    push: () => db.push(),
    pull: async () => void (await db.pull()),
    close: () => db.close(),
  };
}
