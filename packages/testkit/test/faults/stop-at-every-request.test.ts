import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Coroutine, type EngineIo, type FileHandle, io } from "@tributary/core";
import { expect, onTestFinished, test } from "vitest";
import { createNodeStorage } from "../../../storage-node-fs/src/index.js";
import { createLossyStorage, makeCrashDirectory, stopAtEveryRequest } from "../../src/index.js";

function prepare(): {
  directory: string;
  path: string;
  files: ReturnType<typeof createLossyStorage>;
  ports: EngineIo;
} {
  const directory = makeCrashDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const files = createLossyStorage(createNodeStorage());
  return { directory, path: join(directory, "file"), files, ports: files as unknown as EngineIo };
}

function* write(path: string, text: string): Coroutine<string> {
  const file = (yield* io.openFile(path, "replace")) as FileHandle;
  yield* io.writeAt(file, 0, new TextEncoder().encode(text));
  yield* io.closeFile(file);
  return text;
}

test("every request is a crash point, and the middle of every write", async () => {
  const { directory, path, files, ports } = prepare();
  const seen: string[] = [];
  const copies: string[] = [];
  const run = await stopAtEveryRequest(write(path, "text"), {
    ports,
    directory,
    pathOf: files.pathOf,
    check: ({ label, copy }) => {
      const copied = copy();
      copies.push(copied);
      const file = join(copied, "file");
      seen.push(`${label}: ${existsSync(file) ? readFileSync(file, "utf8") : "none"}`);
    },
  });
  expect(seen).toEqual([
    "1: openFile file: none",
    "2: writeAt file: ",
    "2: half of writeAt file: te",
    "3: closeFile file: text",
    "4: end: text",
  ]);
  expect(run).toEqual({ outcome: { value: "text" }, requests: 3, points: 5 });
  expect(copies.filter((copy) => existsSync(copy))).toEqual([]);
});

test("a failure of a procedure is its outcome; one of a check says where it was", async () => {
  const { directory, path, files, ports } = prepare();
  function* failing(): Coroutine<void> {
    yield* write(path, "text");
    throw new Error("of the procedure");
  }
  const options = { ports, directory, pathOf: files.pathOf };
  const { outcome } = await stopAtEveryRequest(failing(), { ...options, check: () => {} });
  expect(outcome).toMatchObject({ error: { message: "of the procedure" } });
  const check = ({ number }: { number: number }): void => {
    if (number === 3) throw new Error("not well");
  };
  await expect(stopAtEveryRequest(write(path, "text"), { ...options, check })).rejects.toThrow(
    "Stopped at 3: closeFile file: Error: not well",
  );
});
