import { createRandom } from "@tributary/testkit";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { LibsqlDevice } from "./support/libsql-offline-device.js";
import { FaultyFront } from "./support/libsql-offline-front.js";
import { OfflineServer } from "./support/libsql-offline-server.js";

const FRAME_BYTES = 4_120;
/** Of a frame's head: page number and size. The salts and checksums behind them travel with it, and have no effect. */
const HEAD_BYTES = 8;

test("a push that was damaged on the way is refused, changes nothing, and is taken when it comes whole", async () => {
  const server = await OfflineServer.start();
  await server.query(
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)",
    "CREATE INDEX by_body ON notes (body)",
  );
  const front = await FaultyFront.start(server.url);
  const device = await new LibsqlDevice(`${front.url}/device/phone`).open();
  const random = createRandom(1);
  for (let round = 1; round <= 25; round++) {
    const before = await server.contents();
    await device.call("runAll", "INSERT INTO notes (body) VALUES (?)", [
      ["x".repeat(random.below(6_000))],
      [`${round}`],
    ]);
    front.fault = ({ method }) => {
      if (method !== "POST") return undefined;
      return {
        type: "changed",
        change(body) {
          const changed = Buffer.from(body);
          const frame = random.below(changed.length / FRAME_BYTES) * FRAME_BYTES;
          const inHead = random.below(4) === 0;
          const at = frame + (inHead ? random.below(HEAD_BYTES) : 24 + random.below(4_096));
          changed[at] = (changed[at] as number) ^ (1 << random.below(8));
          return changed;
        },
      };
    };
    await expect(device.sync(), `round ${round}`).rejects.toThrow(/PushFrame\(400/);
    expect(await server.contents()).toEqual(before);
    front.fault = () => undefined;
    await device.sync();
    expect(await device.contents()).toEqual(await server.contents());
  }
  expect(await server.query("SELECT count(*) FROM notes")).toEqual([["50"]]);
});

test("frames of a log that was started over behind the client's back are refused, and change nothing", async () => {
  const server = await OfflineServer.start();
  await server.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
  const device = await new LibsqlDevice(server.deviceUrl("phone")).open();
  const other = await new LibsqlDevice(server.deviceUrl("tablet")).open();
  for (let n = 1; n <= 3; n++) {
    await device.run("INSERT INTO notes VALUES (?, 'pushed')", n);
    await device.sync();
  }
  await device.close();
  // Stock SQLite moves the log into the file and removes it; the client's metadata goes on counting from where it was.
  const stock = new Database(device.path);
  stock.pragma("wal_checkpoint(TRUNCATE)");
  stock.close();
  await device.open();
  await device.exec("CREATE TABLE later (id INTEGER PRIMARY KEY, v TEXT)");
  for (let n = 1; n <= 20; n++) await device.run("INSERT INTO later VALUES (?, 'out of context')", n);
  const before = await server.contents();
  await expect(device.sync()).rejects.toThrow(/PushFrame\(400/);
  await expect(device.sync()).rejects.toThrow(/PushFrame\(400/);
  expect(await server.contents()).toEqual(before);
  // Others are not held up by it.
  await other.run("INSERT INTO notes VALUES (10, 'of another device')");
  await other.sync();
  await other.sync();
  expect(await other.query("SELECT count(*) FROM notes")).toEqual([[4n]]);
  expect(await server.query("SELECT count(*) FROM notes")).toEqual([["4"]]);
});
