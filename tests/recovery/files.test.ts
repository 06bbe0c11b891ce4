import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { contentsOf, contentsOfFile, integrityOfFile } from "../support/contents.js";
import { makeSpecimen, type Specimen, withReplica } from "../support/damaged-replica.js";

function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

async function expectAllIsThere({ remote, local }: Specimen, path: string): Promise<void> {
  await withReplica({ path, url: remote.url }, async (replica) => {
    expect(contentsOf(replica.db)).toEqual(local);
    await replica.sync();
    expect(contentsOf(replica.db)).toEqual(local);
  });
  expect(contentsOfFile(remote.file)).toEqual(local);
  expect(integrityOfFile(path)).toBe("ok");
}

const JUNK = Buffer.alloc(5_000, "junk");

const BESIDE: readonly (readonly [string, (path: string) => void])[] = [
  ["-shm missing", (path) => rmSync(`${path}-shm`, { force: true })],
  ["-shm of something else", (path) => writeFileSync(`${path}-shm`, JUNK)],
  ["-changes left", (path) => writeFileSync(`${path}-changes`, JUNK)],
  ["-replay left that was not finished", (path) => writeFileSync(`${path}-replay`, JUNK)],
  ["-replay empty", (path) => writeFileSync(`${path}-replay`, "")],
  ["-info.tmp left", (path) => writeFileSync(`${path}-info.tmp`, JUNK)],
  [
    "-salvage and files of a repair that was interrupted",
    (path) => {
      for (const suffix of ["-salvage", "-repair", "-repair-info", "-repair-wal"])
        writeFileSync(path + suffix, JUNK);
    },
  ],
  ["-revert missing", (path) => rmSync(`${path}-revert`)],
  ["-revert empty", (path) => truncateSync(`${path}-revert`)],
  ["-revert cut", (path) => truncateSync(`${path}-revert`, 5_000)],
  ["-revert of something else", (path) => writeFileSync(`${path}-revert`, JUNK)],
  ["-revert with a flipped bit in a page", (path) => overwrite(`${path}-revert`, 3_000, Uint8Array.of(0x55))],
  ["-lock missing", (path) => rmSync(`${path}-lock`, { force: true })],
];

for (const killed of [false, true]) {
  test.each(BESIDE)(
    `${killed ? "after a crash" : "after a close"}: %s, and every change is there`,
    async (_what, damage) => {
      const specimen = await makeSpecimen({ killed });
      const path = specimen.copy();
      damage(path);
      await expectAllIsThere(specimen, path);
    },
  );
}

test("what a crash has left of a large download goes with the next opening", async () => {
  const specimen = await makeSpecimen({ killed: true });
  const path = specimen.copy();
  writeFileSync(`${path}-changes`, JUNK);
  await withReplica({ path, url: specimen.remote.url }, () => {
    expect(existsSync(`${path}-changes`)).toBe(false);
  });
});

test("a log that is gone takes with it what was only there, and is told", async () => {
  const specimen = await makeSpecimen({ killed: true });
  const path = specimen.copy();
  // A pull is in the log, and nowhere else.
  await specimen.remote.query("INSERT INTO notes VALUES (901, 'theirs', 1)");
  rmSync(`${path}-wal`);
  await withReplica({ path, url: specimen.remote.url }, async (replica) => {
    await replica.sync();
    // As of the last checkpoint: the changes that were in the log only are lost with it.
    expect(replica.db.prepare("SELECT body FROM notes WHERE id = 2").pluck().get()).toBe("mine");
    expect(contentsOf(replica.db)).toEqual(contentsOfFile(specimen.remote.file));
    // What is written now is not taken for something that was pushed before.
    replica.db.exec("INSERT INTO log VALUES ('after')");
    await replica.push();
  });
  expect(contentsOfFile(specimen.remote.file).log).toContain("text:'after'");
  expect(integrityOfFile(path)).toBe("ok");
});

test("a log of another database is not taken for this one's", async () => {
  const specimen = await makeSpecimen();
  const other = await makeSpecimen({ killed: true });
  const path = specimen.copy();
  writeFileSync(`${path}-wal`, readFileSync(`${other.copy()}-wal`));
  await withReplica({ path, url: specimen.remote.url }, async (replica) => {
    await replica.sync();
    expect(contentsOf(replica.db)).toEqual(contentsOfFile(specimen.remote.file));
  });
  expect(integrityOfFile(path)).toBe("ok");
});

test("a database that is gone is made anew, and what lay beside it is kept", async () => {
  const specimen = await makeSpecimen({ killed: true });
  const path = specimen.copy();
  const log = readFileSync(`${path}-wal`);
  rmSync(path);
  await withReplica({ path, url: specimen.remote.url }, (replica) => {
    expect(contentsOf(replica.db)).toEqual(contentsOfFile(specimen.remote.file));
    expect(replica.recovered).toMatchObject([{ code: "damaged-file", details: { path } }]);
  });
  const kept = readdirSync(dirname(path)).filter((name) => /^app\.db-damaged-[0-9]+-wal$/.test(name));
  expect(kept.length).toBe(1);
  expect(readFileSync(`${dirname(path)}/${kept[0]}`).equals(log)).toBe(true);
});

test("a database without anything beside it is not touched", async () => {
  const specimen = await makeSpecimen();
  const path = specimen.copy();
  for (const suffix of ["-info", "-revert"]) rmSync(path + suffix);
  writeFileSync(path, readFileSync(specimen.remote.file));
  const before = readFileSync(path);
  const opening = withReplica({ path, url: specimen.remote.url }, () => {});
  await expect(opening).rejects.toMatchObject({ code: "not-a-replica" });
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(existsSync(`${path}-info`)).toBe(false);
});

test.each([
  ["damaged", "junk"],
  ["far too long", "x".repeat(200_000)],
])(
  "a database that is gone, with metadata that is %s, is made anew, and that is told",
  async (_what, info) => {
    const specimen = await makeSpecimen();
    const path = specimen.copy();
    rmSync(path);
    writeFileSync(`${path}-info`, info);
    await withReplica({ path, url: specimen.remote.url }, (replica) => {
      expect(contentsOf(replica.db)).toEqual(contentsOfFile(specimen.remote.file));
      expect(replica.recovered).toMatchObject([{ code: "damaged-file" }]);
    });
  },
);
