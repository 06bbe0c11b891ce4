import { describe, expect, test } from "vitest";
import { checkOrigin } from "../../src/http/check-origin.js";
import { answerPreflight, corsHeaders } from "../../src/http/cors.js";
import { fromWebRequest } from "../../src/http/from-web-request.js";
import type { HttpRequest } from "../../src/http/http-request.js";
import { RequestError } from "../../src/http/request-error.js";

const APP = "https://app.example";
const OTHER = "https://evil.example";

function request(method: string, headers: Record<string, string>): HttpRequest {
  return fromWebRequest(new Request("https://db.example/v2/pipeline", { method, headers }));
}

function preflight(origin: string, asked?: string): HttpRequest {
  return request("OPTIONS", {
    origin,
    "access-control-request-method": "POST",
    ...(asked === undefined ? {} : { "access-control-request-headers": asked }),
  });
}

function statusOf(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    return (error as RequestError).status;
  }
  return 200;
}

describe("a request", () => {
  test.each<[string, readonly string[], number]>([
    ["https://db.example", [], 200],
    [APP, [APP], 200],
    [APP, ["*"], 200],
    ["null", ["*"], 200],
    [APP, [], 403],
    [OTHER, [APP], 403],
    ["null", [APP], 403],
    [`${APP}.evil.example`, [APP], 403],
    [`${APP}:8443`, [APP], 403],
    ["http://app.example", [APP], 403],
    ["http://db.example", [], 403],
  ])("of a page of %s, where %j are allowed: %d", (origin, allowed, status) => {
    expect(statusOf(() => checkOrigin(request("POST", { origin }), allowed))).toBe(status);
    expect(statusOf(() => answerPreflight(preflight(origin), allowed))).toBe(status);
  });

  test("of a program is let through", () => {
    expect(statusOf(() => checkOrigin(request("POST", {}), []))).toBe(200);
  });
});

describe("the headers of an answer", () => {
  test.each([[[APP]], [["https://first.example", APP]], [["*"]]])(
    "name the origin where %j are allowed",
    (allowed) => {
      expect(corsHeaders(request("POST", { origin: APP }), allowed)).toEqual({
        vary: "Origin",
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "x-request-id, retry-after, tributary-accepts",
      });
    },
  );

  test("allow nothing to others, and tell caches so", () => {
    expect(corsHeaders(request("POST", { origin: OTHER }), [APP])).toEqual({ vary: "Origin" });
    expect(corsHeaders(request("POST", {}), [APP])).toEqual({ vary: "Origin" });
    expect(corsHeaders(request("POST", {}), ["*"])).toEqual({ vary: "Origin" });
  });

  test("say nothing where no origin is allowed", () => {
    expect(corsHeaders(request("POST", { origin: APP }), [])).toEqual({});
  });
});

describe("a preflight", () => {
  test("is granted what clients need", () => {
    const response = answerPreflight(preflight(APP, "authorization,content-type, x-turso-encryption-key"), [
      APP,
    ]);
    expect(response?.status).toBe(204);
    expect(response?.headers).toEqual({
      vary: "Origin, Access-Control-Request-Headers",
      "access-control-allow-origin": APP,
      "access-control-expose-headers": "x-request-id, retry-after, tributary-accepts",
      "access-control-allow-methods": "GET, POST, PUT, DELETE",
      "access-control-allow-headers": "authorization,content-type, x-turso-encryption-key",
      "access-control-max-age": "600",
    });
  });

  test("never allows credentials, nor every origin by a star", () => {
    const headers = answerPreflight(preflight(APP, "authorization"), ["*"])?.headers;
    expect(headers).toMatchObject({ "access-control-allow-origin": APP });
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });

  test.each([undefined, "", "a b", "x: y", "a,", ",", "é", "x".repeat(1_025)])(
    "that asks for the headers %j is granted none",
    (asked) => {
      const response = answerPreflight(preflight(APP, asked), [APP]);
      expect(response?.status).toBe(204);
      expect(response?.headers).not.toHaveProperty("access-control-allow-headers");
    },
  );

  test("takes no time, however its headers look", () => {
    const start = performance.now();
    answerPreflight(preflight(APP, `${"a ,".repeat(341)}!`), [APP]);
    answerPreflight(preflight(APP, `${"a".repeat(1_000)} @`), [APP]);
    answerPreflight(preflight(APP, `a${" ".repeat(1_020)}@`), [APP]);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("is an OPTIONS that asks for a method, and nothing else", () => {
    expect(answerPreflight(request("OPTIONS", { origin: APP }), [APP])).toBeUndefined();
    expect(
      answerPreflight(request("POST", { origin: APP, "access-control-request-method": "POST" }), [APP]),
    ).toBeUndefined();
  });
});
