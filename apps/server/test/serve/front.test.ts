import { expect, test } from "vitest";
import { Front } from "../../src/serve/front.js";

/** A server before which a front stands. */
function behind(maintenanceError: unknown, answer: () => Promise<Response>): Front {
  return new Front({
    server: { fetch: answer, maintenanceError },
    authorize: () => ({ access: "write" }),
    hasOpenMetrics: false,
  });
}

function ask(front: Front, path: string): Promise<Response> {
  return front.fetch(
    new Request(`http://a${path}`, { method: path.endsWith("pull-updates") ? "POST" : "GET" }),
  );
}

test("is not ready while housekeeping fails, and does not say why to everybody", async () => {
  const front = behind(new Error("planted: disk full"), async () => new Response("fine"));
  const response = await ask(front, "/ready");
  expect([response.status, await response.text()]).toEqual([503, "housekeeping fails: see the log"]);
  expect((await ask(front, "/health")).status).toBe(200);
  expect((await ask(front, "/acme/v2/pipeline")).status).toBe(200);
  expect(
    (
      await ask(
        behind(undefined, async () => new Response("fine")),
        "/ready",
      )
    ).status,
  ).toBe(200);
});

test("while it drains only /health is passed on", async () => {
  const front = behind(undefined, async () => new Response("fine"));
  front.drain();
  for (const path of ["/ready", "/acme/v2/pipeline", "/metrics", "/acme/pull-updates"]) {
    const { status, headers } = await ask(front, path);
    expect([status, headers.get("retry-after"), headers.get("connection")], path).toEqual([
      503,
      "1",
      "close",
    ]);
  }
  expect((await ask(front, "/health")).status).toBe(200);
});

test("pages that come too late are given back", async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    cancel() {
      isCancelled = true;
    },
  });
  let answer: (response: Response) => void = () => {};
  const answered = new Promise<Response>((resolve) => {
    answer = resolve;
  });
  const front = behind(undefined, () => answered);
  const pull = ask(front, "/acme/pull-updates");
  front.drain();
  expect((await pull).status).toBe(503);
  answer(new Response(body));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isCancelled).toBe(true);
});
