import { expect, test } from "vitest";
import { errorResponse } from "../../src/http/error-response.js";
import { RequestError } from "../../src/http/request-error.js";
import { withHeaders } from "../../src/http/with-headers.js";

test("without a code an error is plain text", () => {
  const response = errorResponse(new RequestError(404, "there is nothing"));
  expect(response.status).toBe(404);
  expect(response.headers).toEqual({
    "content-type": "text/plain",
    "content-length": "16",
  });
  expect(response.body).toBe("there is nothing");
});

test("with a code it is JSON, and its headers are set", () => {
  const headers = { "retry-after": "1" };
  const error = new RequestError(429, 'too "many"', { code: "TOO_MANY_REQUESTS", headers, cause: "secret" });
  const response = errorResponse(error);
  expect(response.status).toBe(429);
  expect(response.headers).toMatchObject({
    "content-type": "application/json",
    ...headers,
  });
  expect(JSON.parse(String(response.body))).toEqual({
    error: 'too "many"',
    message: 'too "many"',
    code: "TOO_MANY_REQUESTS",
  });
});

test("headers are set, and what an answer varies by is added", () => {
  const response = { status: 200, headers: { vary: "Accept", "x-request-id": "1" }, body: undefined };
  expect(withHeaders(response, { vary: "Origin", "x-request-id": "2" })).toBe(response);
  expect(response.headers).toEqual({ vary: "Accept, Origin", "x-request-id": "2" });
});
