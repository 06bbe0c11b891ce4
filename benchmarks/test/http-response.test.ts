import { expect, test } from "vitest";
import { readHttpResponse } from "../src/peers/http-response.js";

test.each([
  ["of a told length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false],
  [
    "after which the connection is closed",
    "HTTP/1.1 404 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    404,
    "",
    true,
  ],
  [
    "in chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    200,
    "hello",
    false,
  ],
])("reads a response %s, and only when all of it is there", (_, text, status, body, isLast) => {
  const bytes = Buffer.from(text);
  for (let length = 0; length < bytes.length; length++) {
    expect(readHttpResponse(bytes.subarray(0, length))).toBeUndefined();
  }
  const response = readHttpResponse(bytes);
  expect(response).toMatchObject({ status, isLast });
  expect(response?.body.toString()).toBe(body);
});

test("does not guess where a response ends", () => {
  const bytes = Buffer.from("HTTP/1.1 200 OK\r\n\r\n");
  expect(() => readHttpResponse(bytes)).toThrow("without a length");
});
