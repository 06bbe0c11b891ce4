import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { formatBytes } from "../../src/client/format-bytes.js";
import { progress } from "../../src/client/progress.js";

function output(isTTY: boolean): { readonly stream: NodeJS.WriteStream; text(): string } {
  const stream = Object.assign(new PassThrough(), { isTTY });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => String(stream.read() ?? "") };
}

function sink(): PassThrough {
  return new PassThrough().resume();
}

test("ends its line when all has gone through", async () => {
  const { stream, text } = output(true);
  await pipeline(
    Readable.from([Buffer.alloc(1_000), Buffer.alloc(536)]),
    progress("acme", 1_536, stream),
    sink(),
  );
  expect(text()).toMatch(/acme: 1\.5 KiB \(100 %\)\n$/);
});

test("ends its line when it breaks off", async () => {
  const { stream, text } = output(true);
  const broken = Readable.from(
    (function* () {
      yield Buffer.alloc(500);
      throw new Error("broken");
    })(),
  );
  const done = pipeline(broken, progress("acme", 1_000, stream), sink());
  await expect(done).rejects.toThrow("broken");
  expect(text()).toBe("\r\x1b[Kacme: 500 bytes (50 %)\n");
});

test("writes nothing where there is no terminal", async () => {
  const { stream, text } = output(false);
  const body = progress("acme", undefined, stream);
  await pipeline(Readable.from([Buffer.alloc(5)]), body, sink());
  expect(text()).toBe("");
});

test.each([
  [0, "0 bytes"],
  [1_023, "1023 bytes"],
  [1_024, "1.0 KiB"],
  [150 * 2 ** 20, "150 MiB"],
  [3 * 2 ** 50, "3072 TiB"],
])("%d bytes are %j", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
