import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { contentsOf, contentsOfFile, integrityOfFile } from "../support/contents.js";
import { makeSpecimen, type Specimen, withReplica } from "../support/damaged-replica.js";

/** No remote answers: what opens now, opens offline. */
const OFFLINE = null;

async function expectOpensOffline({ local }: Specimen, path: string): Promise<void> {
  await withReplica({ path, url: OFFLINE }, (replica) => {
    expect(contentsOf(replica.db)).toEqual(local);
    expect(replica.recovered.map(({ code }) => code)).toEqual(["damaged-metadata"]);
  });
}

/** The next sync brings both sides together, and nothing is there twice. */
async function expectSyncs({ remote, local }: Specimen, path: string): Promise<void> {
  await withReplica({ path, url: remote.url }, async (replica) => {
    await replica.sync();
    expect(contentsOf(replica.db)).toEqual(local);
    expect((await replica.stats()).pendingChanges).toBe(0);
  });
  expect(contentsOfFile(remote.file)).toEqual(local);
  expect(integrityOfFile(path)).toBe("ok");
}

const DAMAGES: readonly (readonly [string, (info: string) => void])[] = [
  ["missing", (info) => rmSync(info)],
  ["empty", (info) => truncateSync(info)],
  ["cut in the middle", (info) => truncateSync(info, 100)],
  ["zeros", (info) => writeFileSync(info, new Uint8Array(400))],
  ["far too long", (info) => writeFileSync(info, "x".repeat(200_000))],
  ["JSON of something else", (info) => writeFileSync(info, '{"name": "app"}')],
];

test.each(DAMAGES)("metadata that is %s: opens offline, and syncs", async (_what, damage) => {
  const specimen = await makeSpecimen();
  const path = specimen.copy();
  damage(`${path}-info`);
  await expectOpensOffline(specimen, path);
  await expectSyncs(specimen, path);
});

test.each(DAMAGES)("metadata that is %s, after a crash: opens offline, and syncs", async (_what, damage) => {
  const specimen = await makeSpecimen({ killed: true });
  const path = specimen.copy();
  damage(`${path}-info`);
  await expectOpensOffline(specimen, path);
  await expectSyncs(specimen, path);
});

test("metadata with any byte changed: opens offline with every local change", {
  timeout: 120_000,
}, async () => {
  const specimen = await makeSpecimen({ killed: true });
  const path = specimen.copy();
  const info = readFileSync(`${path}-info`);
  let asIf = 0;
  for (let index = 0; index < info.length; index++) {
    const damaged = Buffer.from(info);
    damaged[index] = (damaged[index] as number) ^ (1 << (index % 8));
    writeFileSync(`${path}-info`, damaged);
    await withReplica({ path, url: OFFLINE, database: { synchronous: "OFF" } }, (replica) => {
      if (replica.recovered.length === 0) asIf++;
      expect(contentsOf(replica.db)).toEqual(specimen.local);
    });
  }
  // Only white space may change and the rest be what it was.
  expect(asIf).toBeLessThan(3);
  await expectSyncs(specimen, path);
});

test.each([
  ["@tursodatabase/sync", '{"version":"v1","client_unique_id":"x"}', "not-a-replica"],
  ["libSQL", '{"hash":1,"version":0,"durable_frame_num":0,"generation":1}', "not-a-replica"],
])("metadata of %s is named, and nothing is touched", async (name, content, code) => {
  const specimen = await makeSpecimen();
  const path = specimen.copy();
  const before = readFileSync(path);
  writeFileSync(`${path}-info`, content);
  const opening = withReplica({ path, url: specimen.remote.url }, () => {});
  await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(name) });
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readFileSync(`${path}-info`, "utf8")).toBe(content);
});
