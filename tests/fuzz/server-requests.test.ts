import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSyncServer, type SyncServer } from "@tributary/server";
import { mutateBytes, mutateJson, type SeededRandom } from "@tributary/testkit";
import {
  DelimitedDecoder,
  decodePageMessage,
  decodePullUpdatesHeader,
  encodePageRange,
  encodePullUpdatesRequest,
  parsePipelineResponse,
} from "@tributary/wire";
import { afterAll, beforeAll, describe } from "vitest";
import { itSurvivesAsync } from "./support/fuzz.js";
import { HRANA_REQUESTS } from "./support/hrana-corpus.js";
import { ROARING_BITMAPS } from "./support/roaring-bitmaps.js";

const FILE = "server-requests.test.ts";
const maxBytes = (bytes: number): number => 32 * 1024 * 1024 + 64 * bytes;

/** The server said that it is the client's fault. */
class Refused extends Error {}
const isExpectedError = (error: unknown): boolean => error instanceof Refused;

let directory: string;
let server: SyncServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "tributary-"));
  // What is left open is closed soon, and nothing waits for long.
  server = createSyncServer({
    path: join(directory, "server.db"),
    maxWorkers: 0,
    lockTimeoutMs: 1,
    streamIdleTimeoutMs: 1,
    maxLongPollMs: 1,
    maxStreams: 10_000,
  });
  await post(
    "/v2/pipeline",
    Buffer.from('{"requests":[{"type":"execute","stmt":{"sql":"CREATE TABLE t (a, b, c, d, e)"}}]}'),
  );
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function post(path: string, body: Uint8Array): Promise<Uint8Array> {
  const request = new Request(`http://localhost${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: new Uint8Array(body),
  });
  const response = await server.fetch(request);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status >= 400 && response.status < 500) throw new Refused(Buffer.from(bytes).toString());
  if (response.status !== 200) throw new Error(`status ${response.status}: ${Buffer.from(bytes).toString()}`);
  return bytes;
}

async function pipeline(body: Uint8Array): Promise<void> {
  const answer = parsePipelineResponse(Buffer.from(await post("/v2/pipeline", body)).toString());
  const { requests } = JSON.parse(Buffer.from(body).toString()) as { requests: unknown[] };
  if (answer.results.length !== requests.length)
    throw new Error(`${answer.results.length} results for ${requests.length} requests`);
}

async function pull(body: Uint8Array): Promise<void> {
  const decoder = new DelimitedDecoder({ maxMessageBytes: 5000 });
  decoder.push(await post("/pull-updates", body));
  const { databaseSize } = decodePullUpdatesHeader(decoder.next() as Uint8Array);
  let last = -1;
  for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
    const { pageId } = decodePageMessage(message);
    if (pageId <= last || pageId >= databaseSize)
      throw new Error(`page ${pageId} after ${last} of ${databaseSize}`);
    last = pageId;
  }
  decoder.end();
}

const DOCUMENTS = HRANA_REQUESTS.map((text) => ({ ...(JSON.parse(text) as object), baton: null }));
const TEXTS = DOCUMENTS.map((document) => new Uint8Array(Buffer.from(JSON.stringify(document))));
const BATONS = ["", "AAAA", "A".repeat(59), "-_".repeat(30)].map((baton) => ({ baton, requests: [] }));

function pipelineLike(random: SeededRandom): Uint8Array {
  if (random.chance(0.4)) return mutateBytes(TEXTS, random);
  return new Uint8Array(Buffer.from(JSON.stringify(mutateJson([...DOCUMENTS, ...BATONS], random)) ?? ""));
}

const REVISIONS = [
  "",
  "0123456789abcdef-1",
  "ffffffffffffffff-999999999999999",
  "0123456789abcdef-0",
  "0123456789ABCDEF-1",
  "r1",
  "-1",
  "\ud800é",
].map((text) => new Uint8Array(Buffer.from(text)));
const SELECTORS = [
  new Uint8Array(0),
  encodePageRange(0, 5),
  ...ROARING_BITMAPS.small,
  ...ROARING_BITMAPS.large,
];

/** A good request with one bad part, or a bad one. */
function pullLike(random: SeededRandom): Uint8Array {
  const revision = (): string =>
    Buffer.from(random.chance(0.5) ? mutateBytes(REVISIONS, random) : random.pick(REVISIONS)).toString();
  const request = encodePullUpdatesRequest({
    encoding: random.chance(0.9) ? "raw" : "zstd",
    serverRevision: random.chance(0.3) ? revision() : "",
    clientRevision: revision(),
    longPollTimeoutMs: random.pick([0, 1, 2 ** 32 - 1]),
    pagesSelector: random.chance(0.5) ? random.pick(SELECTORS) : mutateBytes(SELECTORS, random),
    querySelector: "",
    streamKind: random.chance(0.9) ? "pages" : "mvcc-logical-log",
  });
  return random.chance(0.5) ? request : mutateBytes([request], random);
}

describe("request bodies", () => {
  itSurvivesAsync(FILE, "pipeline", {
    makeInput: pipelineLike,
    decode: pipeline,
    isExpectedError,
    maxBytes,
    count: 3_000,
  });
  itSurvivesAsync(FILE, "pull", {
    makeInput: pullLike,
    decode: pull,
    isExpectedError,
    maxBytes,
    count: 5_000,
  });
});
