import { expect, test } from "vitest";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, settle } from "./support/open-server.js";
import { pull, pullAnswer } from "./support/pull-client.js";

test("drain lets finish what runs, answers what waits, and takes nothing more", async () => {
  const { server } = openServer();
  const holder = new HranaClient(server);
  await holder.execute("CREATE TABLE t(a)");
  const { revision } = await pullAnswer(server, {});
  await holder.execute("BEGIN IMMEDIATE");
  // It waits for the transaction, and the poll for a commit.
  const write = new HranaClient(server).post([
    { type: "execute", stmt: { sql: "INSERT INTO t VALUES (1)" } },
  ]);
  const poll = pull(server, { clientRevision: revision, longPollTimeoutMs: 60_000 });
  await settle();
  let isDrained = false;
  const drained = server.drain().then(() => {
    isDrained = true;
  });
  expect((await poll).status).toBe(200);
  await (await poll).arrayBuffer();
  expect((await server.fetch(new Request("http://localhost/ready"))).status).toBe(503);
  expect((await server.fetch(new Request("http://localhost/health"))).status).toBe(200);
  expect((await new HranaClient(server).post([])).status).toBe(503);
  await settle();
  expect(isDrained).toBe(false);
  // Nobody can end the transaction any more, so it is the end that does.
  await server.close();
  expect((await write).status).toBe(503);
  await drained;
});

test("drain of a server that does nothing is over at once", async () => {
  const { server } = openServer();
  await server.drain();
  await server.drain();
});
