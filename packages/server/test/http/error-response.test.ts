import { expect, test } from "vitest";
import { errorResponse } from "../../src/http/error-response.js";
import { RequestError } from "../../src/http/request-error.js";
import { withHeaders } from "../../src/http/with-headers.js";

test("without a code an error is plain text", async () => {
  const response = errorResponse(new RequestError(404, "there is nothing"));
  expect(response.status).toBe(404);
  expect(Object.fromEntries(response.headers)).toEqual({
    "content-type": "text/plain",
    "content-length": "16",
  });
  expect(await response.text()).toBe("there is nothing");
});

test("with a code it is JSON, and its headers are set", async () => {
  const headers = { "retry-after": "1" };
  const error = new RequestError(429, 'too "many"', { code: "TOO_MANY_REQUESTS", headers, cause: "secret" });
  const response = errorResponse(error);
  expect(response.status).toBe(429);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/json",
    ...headers,
  });
  expect(await response.json()).toEqual({
    error: 'too "many"',
    message: 'too "many"',
    code: "TOO_MANY_REQUESTS",
  });
});

test("headers are set, and what an answer varies by is added", () => {
  const response = new Response(null, { headers: { vary: "Accept", "x-request-id": "1" } });
  expect(withHeaders(response, { vary: "Origin", "x-request-id": "2" })).toBe(response);
  expect(Object.fromEntries(response.headers)).toEqual({ vary: "Accept, Origin", "x-request-id": "2" });
});
