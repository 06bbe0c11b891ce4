import { expect, test } from "vitest";
import { HranaClient } from "../support/hrana-client.js";
import { openServer, settle } from "../support/open-server.js";
import { parseAnswer, pull, pullAnswer } from "../support/pull-client.js";

test("a long-poll does not outlast the token with which it began", async () => {
  let lifeMs = 60_000;
  const { server, clock } = openServer({
    authorize: () => ({ access: "write", expiresAt: Date.now() + lifeMs }),
  });
  await new HranaClient(server).execute("CREATE TABLE t (a)");
  const { revision } = await pullAnswer(server, {});
  lifeMs = 5_000;
  let isAnswered = false;
  const waiting = pull(server, { clientRevision: revision, longPollTimeoutMs: 100_000 }).then((response) => {
    isAnswered = true;
    return response;
  });
  await settle();
  expect(isAnswered).toBe(false);
  clock.advance(5_000);
  const answer = parseAnswer(new Uint8Array(await (await waiting).arrayBuffer()));
  expect([answer.revision, answer.pages.size]).toEqual([revision, 0]);
});
