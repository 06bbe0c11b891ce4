import { type ConnectionOptions, connect } from "../client/connect.js";

/** Lists all databases. */
export async function listDatabases(options: ConnectionOptions & { readonly json?: boolean }): Promise<void> {
  const names = await connect(options).list();
  if (options.json === true) console.log(JSON.stringify(names));
  else for (const name of names) console.log(name);
}

/** Creates an empty database. */
export async function createDatabase(name: string, options: ConnectionOptions): Promise<void> {
  await connect(options).create(name);
}

/** Copies a database into a new one. */
export async function forkDatabase(from: string, to: string, options: ConnectionOptions): Promise<void> {
  await connect(options).fork(from, to);
}
