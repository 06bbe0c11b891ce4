import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** Percentiles of latencies, ms. */
interface Latencies {
  readonly "insert p50": number;
  readonly "insert p95": number;
  readonly "pull p50": number;
  readonly "pull p95": number;
}

test("no database waits for another: long statements, uploads, slow downloads, huge transactions", {
  timeout: 120_000,
}, async () => {
  const script = fileURLToPath(new URL("../../scripts/isolation.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--json"]);
  const { alone, ...disturbed } = JSON.parse(stdout) as Record<string, Latencies>;
  expect(Object.keys(disturbed).length).toBe(4);
  // Whoever had to wait for any of these would wait for a second or more. Processors and disk are shared all the same.
  for (const [name, latencies] of Object.entries(disturbed)) {
    const factor = latencies["insert p50"] / (alone as Latencies)["insert p50"];
    expect([name, latencies["insert p50"] < 150 || factor < 10]).toEqual([name, true]);
    expect([name, latencies["pull p50"] < 50]).toEqual([name, true]);
    expect([name, latencies["pull p95"] < 400]).toEqual([name, true]);
  }
});
