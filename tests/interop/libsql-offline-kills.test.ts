import { setTimeout as delay } from "node:timers/promises";
import { createRandom } from "@tributary/testkit";
import { expect, onTestFinished, test } from "vitest";
import { ServerProcess } from "../kills/support/server-process.js";
import { integrityOfFile } from "../support/contents.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { contentsByName } from "./support/libsql-offline-contents.js";
import { DeviceDied, LibsqlDevice } from "./support/libsql-offline-device.js";
import { FaultyFront } from "./support/libsql-offline-front.js";

/** More for a soak: see README.md. */
const ROUNDS = Number(process.env.TRIBUTARY_LIBSQL_KILLS ?? 12);
const SEED = Number(process.env.TRIBUTARY_LIBSQL_SEED ?? 1);
/** From its first request on, a sync takes some tens of milliseconds here: the strike falls anywhere in it, or just behind. */
const MAX_STRIKE_MS = 40;

test("clients and the server are killed while they sync, and nothing is lost or there twice", {
  timeout: 60_000 + ROUNDS * 5_000,
}, async () => {
  const ends: (() => unknown)[] = [];
  const random = createRandom(SEED * 11);
  const server = new ServerProcess({
    directory: temporaryDirectory(),
    rounds: ROUNDS,
    random,
    atEnd: (end) => void ends.push(end),
  });
  onTestFinished(async () => {
    for (const end of ends) await end();
  });
  await server.start();
  const front = await FaultyFront.start(() => server.url());
  const names = ["a", "b"];
  const devices = names.map((name) => new LibsqlDevice(`${front.url}/device/${name}`));
  for (const device of devices) await device.open();
  const [first, second] = devices as [LibsqlDevice, LibsqlDevice];
  await first.exec(
    "CREATE TABLE lines (device TEXT, n INTEGER, filling BLOB); CREATE TABLE latest (device TEXT PRIMARY KEY, n INTEGER)",
  );
  for (const device of [first, second, first, second]) await device.sync();

  const written = [0, 0];
  let clientKills = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [index, device] of devices.entries()) {
      for (let left = random.below(3); left > 0; left--) {
        const n = ++(written as [number, number])[index as 0 | 1];
        const filling = Buffer.alloc(random.below(2) === 0 ? 10 : random.below(400_000));
        await device.call("transact", [
          { sql: "INSERT INTO lines VALUES (?, ?, ?)", args: [names[index], n, filling] },
          {
            sql: "INSERT INTO latest VALUES (?, ?) ON CONFLICT DO UPDATE SET n = excluded.n",
            args: [names[index], n],
          },
        ]);
      }
    }
    const strikesServer = random.below(3) !== 0;
    const victim = !strikesServer || random.below(2) === 0 ? random.pick(devices) : undefined;
    const underWay = new Promise<void>((resolve) => {
      front.fault = () => void resolve();
    });
    const syncs = devices.map((device) => device.sync().catch(ignoreDeath));
    await underWay;
    await delay(random.below(MAX_STRIKE_MS));
    if (strikesServer) server.strike();
    await victim?.kill();
    if (strikesServer) {
      await server.gone();
      await server.start();
    }
    await Promise.all(syncs);
    if (victim !== undefined) {
      clientKills++;
      await victim.open();
    }
  }
  for (let pass = 1; pass <= 3; pass++) for (const device of devices) await device.sync();

  const expected = names.flatMap((name, index) =>
    Array.from({ length: written[index] as number }, (_, n) => [name, BigInt(n + 1)]),
  );
  for (const device of devices) {
    expect(await device.query("SELECT device, n FROM lines ORDER BY device, n")).toEqual(expected);
    expect(await device.integrity()).toBe("ok");
  }
  expect(await second.contents()).toEqual(await first.contents());
  expect(await first.query("SELECT * FROM latest ORDER BY device")).toEqual(
    names.map((name, index) => [name, BigInt(written[index] as number)]),
  );
  expect(server.kills).toBeGreaterThan(0);
  expect(clientKills).toBeGreaterThan(0);
  server.strike();
  await server.gone();
  expect(integrityOfFile(server.file)).toBe("ok");
  expect(contentsByName(server.file)).toEqual(await first.contents());
});

/** A device that was killed in the middle, or was told that the server is in trouble, tries again in the next round. */
function ignoreDeath(error: unknown): void {
  if (error instanceof DeviceDied || /PushFrame|PullFrame|HttpBody|HttpDispatch/.test(String(error))) return;
  throw error;
}
