import type { HttpRequest, HttpResponse, PulledBody } from "@tributary/server";
import { expect, test, vi } from "vitest";
import { Front } from "../../src/serve/front.js";

/** A server before which a front stands. */
function behind(maintenanceError: unknown, answer: () => Promise<HttpResponse>): Front {
  return new Front({
    server: { answer, maintenanceError },
    authorize: () => ({ access: "write" }),
    hasOpenMetrics: false,
  });
}

const FINE: HttpResponse = { status: 200, headers: {}, body: "fine" };

function ask(front: Front, path: string): Promise<HttpResponse> {
  const request = { url: new URL(`http://a${path}`) } as Partial<HttpRequest> as HttpRequest;
  return front.answer(request);
}

test("is not ready while housekeeping fails, and does not say why to everybody", async () => {
  const front = behind(new Error("planted: disk full"), async () => FINE);
  const response = await ask(front, "/ready");
  expect([response.status, response.body]).toEqual([503, "housekeeping fails: see the log"]);
  expect((await ask(front, "/health")).status).toBe(200);
  expect((await ask(front, "/acme/v2/pipeline")).status).toBe(200);
  expect(
    (
      await ask(
        behind(undefined, async () => FINE),
        "/ready",
      )
    ).status,
  ).toBe(200);
});

test("while it drains only /health is passed on", async () => {
  const front = behind(undefined, async () => FINE);
  front.drain();
  for (const path of ["/ready", "/acme/v2/pipeline", "/metrics", "/acme/pull-updates"]) {
    const { status, headers } = await ask(front, path);
    expect([status, headers["retry-after"], headers.connection], path).toEqual([503, "1", "close"]);
  }
  expect((await ask(front, "/health")).status).toBe(200);
});

test("pages that come too late are given back", async () => {
  const end = vi.fn();
  const body = { end } as Partial<PulledBody> as PulledBody;
  let answer: (response: HttpResponse) => void = () => {};
  const answered = new Promise<HttpResponse>((resolve) => {
    answer = resolve;
  });
  const front = behind(undefined, () => answered);
  const pull = ask(front, "/acme/pull-updates");
  front.drain();
  expect((await pull).status).toBe(503);
  answer({ status: 200, headers: {}, body });
  await new Promise((resolve) => setImmediate(resolve));
  expect(end).toHaveBeenCalled();
});
