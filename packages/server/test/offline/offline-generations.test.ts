import { expect, test } from "vitest";
import { openOffline } from "./support/open-offline.js";

function openServer(rollFrames = 4): ReturnType<typeof openOffline> {
  const server = openOffline({ rollFrames });
  server.exec("CREATE TABLE log(entry)");
  return server;
}

const LOG = "SELECT entry FROM log ORDER BY entry";

test("a log that has become long begins anew, and what came before is folded into the image", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  const first = replica.generation;
  for (let count = 0; count < 6; count++) {
    replica.exec(`INSERT INTO log VALUES(${count})`);
    await replica.sync();
  }
  expect(replica.frames).toBe(6);
  await replica.sync();
  expect([replica.generation, replica.frames]).toEqual([first + 1, 0]);
  replica.exec("INSERT INTO log VALUES(6)");
  server.exec("INSERT INTO log VALUES(7)");
  for (let round = 0; round < 3; round++) await replica.sync();
  expect(replica.all(LOG)).toEqual(server.all(LOG));
  expect(server.all("SELECT count(*) FROM log")).toEqual([[8]]);
  // Nobody is in the generation before any more.
  const gone = await server.send(new Request(`http://h/sync/${first}/1/129`));
  expect(gone.status).toBe(404);
});

test("a replica that cannot begin anew goes on, and does so later", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  const first = replica.generation;
  for (let count = 0; count < 6; count++) replica.exec(`INSERT INTO log VALUES(${count})`);
  await replica.sync();
  replica.isReadByOthers = true;
  await expect(replica.sync()).rejects.toThrow("database is locked");
  replica.exec("INSERT INTO log VALUES(6)");
  await replica.sync();
  expect(replica.generation).toBe(first);
  expect(server.all("SELECT count(*) FROM log")).toEqual([[7]]);
  replica.isReadByOthers = false;
  await replica.sync();
  expect([replica.generation, replica.frames]).toEqual([first + 1, 0]);
  replica.exec("INSERT INTO log VALUES(7)");
  await replica.sync();
  await replica.sync();
  expect(server.all("SELECT count(*) FROM log")).toEqual([[8]]);
});

test("a replica from a backup of the generation before goes on in that", async () => {
  const server = openServer();
  const replica = await server.replica("phone");
  for (let count = 0; count < 6; count++) replica.exec(`INSERT INTO log VALUES(${count})`);
  await replica.sync();
  const backup = replica.save();
  // It is told of the next generation, and asks for nothing in it.
  replica.isReadByOthers = true;
  await expect(replica.sync()).rejects.toThrow("database is locked");
  replica.isReadByOthers = false;
  replica.restore(backup);
  replica.exec("INSERT INTO log VALUES('again')");
  for (let round = 0; round < 3; round++) await replica.sync();
  expect(server.all("SELECT count(*) FROM log")).toEqual([[7]]);
  expect(replica.all(LOG)).toEqual(server.all(LOG));
});

test("in strict mode, a replica that is several generations behind walks through them", async () => {
  const server = openServer();
  const behind = await server.replica();
  const writer = await server.replica();
  for (let round = 0; round < 4; round++) {
    for (let count = 0; count < 6; count++) writer.exec(`INSERT INTO log VALUES(${round * 10 + count})`);
    await writer.sync();
    await writer.sync();
  }
  expect(writer.generation).toBe(5);
  await behind.sync();
  expect(behind.generation).toBe(5);
  expect(behind.all(LOG)).toEqual(server.all(LOG));
  behind.exec("INSERT INTO log VALUES(100)");
  await behind.sync();
  await writer.sync();
  expect(writer.all(LOG)).toEqual(server.all(LOG));
});

test("in strict mode, what is pushed in an older generation is taken if it is behind the newest frame", async () => {
  const server = openServer();
  const one = await server.replica();
  for (let count = 0; count < 6; count++) one.exec(`INSERT INTO log VALUES(${count})`);
  await one.sync();
  const two = await server.replica();
  one.exec("INSERT INTO log VALUES('of one')");
  // Another download lets a generation begin, of which the first replica knows nothing.
  expect(two.generation).toBe(2);
  expect(one.generation).toBe(1);
  await one.sync();
  await two.sync();
  expect(two.all(LOG)).toEqual(server.all(LOG));
  expect(server.all("SELECT count(*) FROM log")).toEqual([[7]]);
});
