import type { HttpProtocolOptions } from "@tributary/protocol-http";
import { describe, expect, test } from "vitest";
import { errorOf, PULL, setUpProtocol } from "./test-protocol.js";

/** What a host in plain JavaScript may give. */
function giving(options: Record<string, unknown>): Partial<HttpProtocolOptions> {
  return options as Partial<HttpProtocolOptions>;
}

describe("functions of the host's that give nonsense", () => {
  const context = setUpProtocol({});
  const options: [string, Record<string, unknown>][] = [
    ["url() undefined", { url: () => undefined }],
    ["url() a number", { url: async () => 8080 }],
    ["url() a URL object", { url: () => new URL("http://127.0.0.1") }],
    ["authToken() a number", { authToken: () => 5 }],
    ["authToken() an object", { authToken: async () => ({ token: "secret" }) }],
    ["authToken a number", { authToken: 5 }],
    ["headers() undefined", { headers: () => undefined }],
    ["headers() null", { headers: async () => null }],
    ["headers() a string", { headers: () => "x: y" }],
    ["headers() an array", { headers: () => ["x"] }],
    ["headers() with a number in it", { headers: () => ({ x: 5 }) }],
    ["headers a number", { headers: 5 }],
  ];
  for (const [name, given] of options) {
    test(name, async () => {
      const protocol = context.open(giving(given));
      const error = await errorOf(protocol.startPull(PULL));
      expect(error).toMatchObject({ code: "invalid-option", blame: "caller" });
      expect(protocol.bytesSent).toBe(0);
    });
  }
});
