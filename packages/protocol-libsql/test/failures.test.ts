import type { SyncErrorCode } from "@tributary/core";
import { describe, expect, it } from "vitest";
import { type Interceptor, type SeenRequest, sendJson, startReference } from "./reference-server.js";
import { errorOf, pull, queryFile, run, setUp, type TestProtocol } from "./test-protocol.js";

const CREATE = "CREATE TABLE t (a INTEGER PRIMARY KEY, b)";
const COUNT = "SELECT count(*) FROM t";

type Fault = (request: SeenRequest, response: Parameters<Interceptor>[1]) => void;

const status =
  (code: number, body = ""): Fault =>
  (_request, response) =>
    void response.writeHead(code, { "content-type": "text/plain" }).end(body);
const reset: Fault = (_request, response) => response.destroy();
const truncated: Fault = (_request, response) => {
  response.writeHead(200, { "content-length": 8240 });
  response.write(Buffer.alloc(5000, 1), () => setImmediate(() => response.destroy()));
};

/** What the client asks for, and how one makes it ask. */
const KINDS = {
  push: {
    matches: ({ method }: SeenRequest) => method === "POST",
    use: ({ protocol }: TestProtocol) => run(protocol, "INSERT INTO t (b) VALUES ('x')"),
  },
  pull: {
    matches: ({ path }: SeenRequest) => path.startsWith("/sync"),
    use: ({ protocol }: TestProtocol) => pull(protocol),
  },
  info: {
    matches: ({ path }: SeenRequest) => path === "/info",
    use: ({ protocol }: TestProtocol) => pull(protocol),
  },
  export: {
    matches: ({ path }: SeenRequest) => path.startsWith("/export"),
    use: ({ protocol }: TestProtocol) => pull(protocol),
  },
} as const;
type Kind = keyof typeof KINDS;

/** A protocol whose next operation makes a request of that kind; for `info` and `export` it has no mirror yet. */
async function ready(kind: Kind): Promise<TestProtocol> {
  const context = await setUp({ retry: { attempts: 3 } });
  context.server.query(CREATE);
  if (kind === "pull") await pull(context.protocol);
  // A mirror that a push was taken from: one that was just made would not be made anew.
  if (kind === "push") await run(context.protocol, "CREATE TABLE pushed (a)");
  context.server.requests.length = 0;
  return context;
}

/** The fault is always there: with what code the operation fails, and after how many requests of the kind. */
async function failing(kind: Kind, fault: Fault): Promise<[SyncErrorCode, number]> {
  const context = await ready(kind);
  const { matches, use } = KINDS[kind];
  let count = 0;
  context.server.intercept = (request, response) => {
    if (!matches(request)) return false;
    count++;
    fault(request, response);
    return true;
  };
  const { code } = await errorOf(use(context));
  context.server.intercept = () => false;
  await expectUsable(context);
  return [code, count];
}

/** Whatever happened, the next operations succeed, and what was pushed is there once at most. */
async function expectUsable({ protocol, server }: TestProtocol): Promise<void> {
  const before = Number(server.query(COUNT)[0]?.[0]);
  expect(before).toBeLessThanOrEqual(1);
  await run(protocol, "INSERT INTO t (b) VALUES ('after')");
  expect(queryFile(await pull(protocol), COUNT)).toEqual([[before + 1]]);
  expect(server.query(COUNT)).toEqual([[BigInt(before + 1)]]);
}

/** The fault is there once: the operation succeeds all the same. */
async function recovering(kind: Kind, fault: Fault): Promise<void> {
  const context = await ready(kind);
  const { matches, use } = KINDS[kind];
  context.server.intercept = (request, response) => {
    if (!matches(request)) return false;
    context.server.intercept = () => false;
    fault(request, response);
    return true;
  };
  await use(context);
  const rows = kind === "push" ? 1 : 0;
  expect(context.server.query(COUNT)).toEqual([[BigInt(rows)]]);
  expect(queryFile(await pull(context.protocol), COUNT)).toEqual([[rows]]);
}

const ALL = Object.keys(KINDS) as Kind[];

describe.each(ALL)("a failure of %s", (kind) => {
  it.each([
    ["a reset connection", reset],
    ["a body that is cut", truncated],
    ["502", status(502)],
    ["503", status(503, "busy")],
    ["501", status(501)],
  ] as const)("is survived: %s", (_what, fault) => recovering(kind, fault));

  it.each([
    ["reset", reset, "unreachable", 3],
    ["cut", truncated, "unreachable", 3],
    ["502", status(502), "unreachable", 3],
    ["599", status(599), "unreachable", 3],
    ["505", status(505), "unreachable", 3],
    ["401", status(401), "unauthorized", 1],
    ["403", status(403), "unauthorized", 1],
    ["409", status(409), "remote-rejected", 1],
    ["418", status(418), "remote-rejected", 1],
    ["204", status(204), "malformed-response", 1],
    ["JSON that is none", status(200, "{"), "malformed-response", 1],
    ["a redirect to nowhere", status(307), "unexpected-response", 1],
  ] as const)("for good has its code: %s", async (_what, fault, code, requests) => {
    expect(await failing(kind, fault)).toEqual([code, requests]);
  });
});

describe("statuses that mean something else for each request", () => {
  it("400 and 500 end a generation where they name one", async () => {
    for (const code of [400, 500]) {
      const { server, protocol } = await ready("pull");
      server.intercept = ({ path }, response) => {
        if (!path.startsWith("/sync")) return false;
        sendJson(response, code, { generation: 1 });
        return true;
      };
      expect(queryFile(await pull(protocol), COUNT)).toEqual([[0]]);
    }
  });

  it.each([
    ["pull", 400, "malformed-response", 1],
    ["pull", 500, "unreachable", 3],
    ["pull", 404, "remote-rejected", 2],
    ["push", 400, "remote-rejected", 2],
    ["push", 404, "remote-rejected", 2],
    ["push", 500, "unreachable", 3],
    ["info", 400, "remote-rejected", 1],
    ["info", 404, "remote-rejected", 1],
    ["info", 500, "unreachable", 3],
    ["export", 400, "remote-rejected", 1],
    ["export", 404, "remote-rejected", 1],
    ["export", 500, "unreachable", 3],
  ] as const)("%s: %i is %s", async (kind, code, expected, requests) => {
    expect(await failing(kind, status(code, "no"))).toEqual([expected, requests]);
  });

  it.each([
    ["generation 0", '{"current_generation":0}'],
    ["no generation", "{}"],
    ["a generation that is text", '{"current_generation":"1"}'],
    ["a list", "[]"],
    ["more than anybody reads", " ".repeat(70_000)],
  ])("/info with %s is malformed", async (_what, body) => {
    expect(await failing("info", status(200, body))).toEqual(["malformed-response", 1]);
  });

  it.each([
    ["no status", '{"generation":1,"max_frame_no":3}'],
    ["another status", '{"status":"fine","generation":1,"max_frame_no":3}'],
    ["no max_frame_no", '{"status":"conflict","generation":1}'],
    ["a number that is none", '{"status":"ok","generation":1,"max_frame_no":-1}'],
    ["a baton that leads elsewhere", '{"status":"ok","generation":1,"max_frame_no":3,"baton":".."}'],
    ["a baton of several segments", '{"status":"ok","generation":1,"max_frame_no":3,"baton":"a/b"}'],
  ])("a push answered with %s is malformed", async (_what, body) => {
    expect(await failing("push", status(200, body))).toEqual(["malformed-response", 1]);
  });

  it.each([
    ["a page number 0", (frame: Buffer) => frame.writeUInt32BE(0, 0)],
    ["a page that is out of reach", (frame: Buffer) => frame.writeUInt32BE(0x7fffffff, 0)],
    ["a size that is out of reach", (frame: Buffer) => frame.writeUInt32BE(0x7fffffff, 4)],
  ])("a frame with %s is malformed, and is not kept", async (_what, change) => {
    const fault: Fault = (_request, response) => {
      const frame = Buffer.alloc(4120);
      frame.writeUInt32BE(1, 0);
      frame.writeUInt32BE(1, 4);
      change(frame);
      response.writeHead(200).end(frame);
    };
    expect(await failing("pull", fault)).toEqual(["malformed-response", 1]);
  });

  it.each([
    ["no database", Buffer.alloc(4096)],
    ["not whole pages", Buffer.alloc(5000)],
  ])("an export that is %s is malformed", async (_what, body) => {
    const fault: Fault = (_request, response) => void response.writeHead(200).end(body);
    expect(await failing("export", fault)).toEqual(["malformed-response", 1]);
  });

  it("an export that ends early, with nothing to tell that, is asked for again", async () => {
    await recovering("export", (_request, response) => {
      response.removeHeader("transfer-encoding");
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.writeHead(200, { connection: "close" });
      response.end(Buffer.alloc(100));
    });
  });
});

describe("a redirect", () => {
  it.each(ALL)("is followed once, with method, body and token: %s", async (kind) => {
    const context = await setUp({ authToken: "secret-token", headers: { "x-own": "secret-value" } });
    context.server.query(CREATE);
    if (kind === "push" || kind === "pull") await pull(context.protocol);
    const { matches, use } = KINDS[kind];
    context.server.intercept = (request, response) => {
      if (!matches(request)) return false;
      if (request.path.includes("moved")) {
        const { path } = request;
        response.writeHead(307, { location: path.replace("/moved", "") }).end();
      } else response.writeHead(307, { location: `/moved${request.path}` }).end();
      context.server.intercept = (next, answer) => {
        if (!next.path.startsWith("/moved")) return false;
        context.server.requests.pop();
        context.server.handle({ ...next, path: next.path.slice("/moved".length) }, answer);
        return true;
      };
      return true;
    };
    await use(context);
    for (const { headers } of context.server.requests) {
      expect(headers).toMatchObject({ authorization: "Bearer secret-token", "x-own": "secret-value" });
    }
  });

  it("to another origin takes neither token nor headers along", async () => {
    const { server, protocol } = await setUp({
      authToken: "secret-token",
      headers: { "x-own": "secret-value" },
    });
    const other = await startReference();
    other.query(CREATE);
    server.intercept = ({ path }, response) => {
      response.writeHead(308, { location: `${other.url}${path}` }).end();
      return true;
    };
    expect(queryFile(await pull(protocol), COUNT)).toEqual([[0]]);
    expect(other.requests.length).toBeGreaterThan(0);
    for (const { headers } of other.requests) {
      expect([headers.authorization, headers["x-own"]]).toEqual([undefined, undefined]);
    }
  });

  it("after a redirect is a failure", async () => {
    const fault: Fault = ({ path }, response) => void response.writeHead(307, { location: path }).end();
    expect(await failing("pull", fault)).toEqual(["unexpected-response", 2]);
  });
});

describe("a token", () => {
  it.each(ALL)("that has expired is asked for anew, once: %s", async (kind) => {
    const tokens: string[] = [];
    const context = await setUp({
      authToken: () => {
        tokens.push(`token-${tokens.length}`);
        return tokens.at(-1);
      },
    });
    context.server.query(CREATE);
    if (kind === "push" || kind === "pull") await pull(context.protocol);
    const { matches, use } = KINDS[kind];
    let refused: string | undefined;
    context.server.intercept = (request, response) => {
      if (!matches(request)) return false;
      refused ??= request.headers.authorization;
      if (request.headers.authorization !== refused) return false;
      response.writeHead(401).end();
      return true;
    };
    await use(context);
    expect(refused).toMatch(/^Bearer token-/);
  });
});

it("where nobody listens it is unreachable, and paused where there is no URL", async () => {
  const gone = await setUp({ url: "http://127.0.0.1:1", retry: { attempts: 2 } });
  expect((await errorOf(pull(gone.protocol))).code).toBe("unreachable");
  expect(gone.clock.sleeps).toHaveLength(1);
  const paused = await setUp({ url: () => null });
  expect((await errorOf(pull(paused.protocol))).code).toBe("paused");
});
