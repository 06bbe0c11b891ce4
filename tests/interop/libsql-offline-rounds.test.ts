import { createRandom } from "@tributary/testkit";
import { expect, test } from "vitest";
import { LibsqlDevice } from "./support/libsql-offline-device.js";
import { contentsOfTables, type ModelTables } from "./support/libsql-offline-model.js";
import { OfflineServer } from "./support/libsql-offline-server.js";
import { OFFLINE_SCHEMA, OfflineWriter, offlineTables } from "./support/libsql-offline-writer.js";

/** More for a soak: see README.md. */
const ROUNDS = Number(process.env.TRIBUTARY_LIBSQL_ROUNDS ?? 50);
const SEED = Number(process.env.TRIBUTARY_LIBSQL_SEED ?? 1);

/** A device, and what it should hold. */
interface Site {
  readonly device: LibsqlDevice;
  readonly writer: OfflineWriter;
}

async function siteOf(server: OfflineServer, name: string, seed: number, tables: ModelTables): Promise<Site> {
  const device = await new LibsqlDevice(server.deviceUrl(name)).open();
  return { device, writer: new OfflineWriter(name, seed, tables) };
}

async function write({ device, writer }: Site): Promise<void> {
  await device.call("transact", writer.next());
}

async function sync({ device, writer }: Site, shared: ModelTables): Promise<void> {
  await device.sync();
  writer.sync(shared);
}

test(`two devices converge over ${ROUNDS} rounds of writing offline`, {
  timeout: 60_000 + ROUNDS * 2_000,
}, async () => {
  const server = await OfflineServer.start();
  await server.query(...OFFLINE_SCHEMA);
  const shared = offlineTables();
  const random = createRandom(SEED * 7);
  const sites = [await siteOf(server, "a", SEED * 3, shared), await siteOf(server, "b", SEED * 5, shared)];
  for (let round = 1; round <= ROUNDS; round++) {
    for (const site of sites) for (let left = random.below(4); left > 0; left--) await write(site);
    const order = random.below(2) === 0 ? sites : [...sites].reverse();
    for (const site of order) await sync(site, shared);
    // What was pushed to is now pulled from; nobody has written meanwhile.
    for (const site of order) await sync(site, shared);
    for (const { device } of order) {
      expect(await device.contents(), `round ${round}`).toEqual(contentsOfTables(shared));
      if (random.below(5) === 0) {
        await device.kill();
        await device.open();
      }
    }
  }
  expect(await server.contents()).toEqual(contentsOfTables(shared));
  for (const { device } of sites) {
    expect(await device.contents()).toEqual(contentsOfTables(shared));
    expect(await device.integrity()).toBe("ok");
  }
  // Changes of tables that the other device has dropped meanwhile are kept aside.
  const refused = sites.reduce((sum, { writer }) => sum + writer.refused, 0);
  const kept = "SELECT count(*) FROM sqlite_schema WHERE name = 'tributary_refused'";
  const [[hasKept]] = (await server.query(kept)) as [[string]];
  if (hasKept === "0") expect(refused).toBe(0);
  else expect(await server.query("SELECT count(*) FROM tributary_refused")).toEqual([[String(refused)]]);
});
