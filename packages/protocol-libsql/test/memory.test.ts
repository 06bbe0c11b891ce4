import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { allocatedBytes, collectGarbage } from "../../testkit/src/fuzz/memory-meter.js";
import { run, setUp } from "./test-protocol.js";

const MIB = 2 ** 20;

/** The most that was held above what there was, in MiB, as far as it was looked at. */
class PeakMeter {
  readonly #start: number;
  #looks = 0;
  peak = 0;

  constructor() {
    collectGarbage();
    this.#start = allocatedBytes();
  }

  look(): void {
    if (this.#looks++ % 16 !== 8) return;
    collectGarbage();
    this.peak = Math.max(this.peak, (allocatedBytes() - this.#start) / MIB);
  }
}

/** Sends so many bytes, a piece whenever the one before has gone. */
function stream(response: ServerResponse, first: Buffer, length: number, onPiece: () => void): void {
  const piece = Buffer.alloc(MIB / 4);
  response.writeHead(200, { "content-length": length });
  let left = length - first.length;
  const next = (): void => {
    onPiece();
    if (left === 0) return void response.end();
    const part = piece.subarray(0, Math.min(left, piece.length));
    left -= part.length;
    response.write(part, next);
  };
  response.write(first, next);
}

describe("memory", () => {
  it("does not hold an export", async () => {
    const { server, protocol } = await setUp();
    server.query("CREATE TABLE t (a)");
    server.roll();
    const base = server.image();
    const meter = new PeakMeter();
    server.intercept = ({ path }, response) => {
      if (!path.startsWith("/export")) return false;
      stream(response, base, 64 * MIB, () => meter.look());
      return true;
    };
    const { pull, header } = await protocol.startPull({ longPollTimeoutMs: 0 });
    expect(header.databaseSize).toBe((64 * MIB) / 4096);
    const batch = await protocol.receivePages(pull);
    expect(batch?.bytes.length).toBe(MIB);
    expect(meter.peak).toBeGreaterThan(0);
    expect(meter.peak).toBeLessThan(8);
  });

  it("does not hold a transaction of 5 000 frames", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, "CREATE TABLE t (b)");
    let posts = 0;
    const meter = new PeakMeter();
    server.intercept = ({ method, path, body }, response) => {
      if (method !== "POST") return false;
      posts++;
      meter.look();
      expect(body.length).toBeLessThanOrEqual(128 * 4120);
      const [, , generation, , end] = path.split("/");
      // What was sent is kept by nobody, so that what is measured is the client.
      server.requests.length = 0;
      response.writeHead(200);
      response.end(
        JSON.stringify({
          status: "ok",
          generation: Number(generation),
          max_frame_no: Number(end) - 1,
          baton: "b",
        }),
      );
      return true;
    };
    const rows =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT zeroblob(3900) FROM n";
    await run(protocol, `INSERT INTO t ${rows}`);
    expect(posts).toBeGreaterThan(39);
    expect(meter.peak).toBeGreaterThan(0);
    expect(meter.peak).toBeLessThan(8);
  });
});
