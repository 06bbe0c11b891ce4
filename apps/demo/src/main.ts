import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReplica } from "@tributary/replica";
import { startServer } from "@tributary/server-cli";
import pc from "picocolors";
import { compareContents } from "./compare-contents.js";
import { loadCities } from "./load-cities.js";
import { editOnLaptop, editOnPhone } from "./offline-edits.js";
import { bytes, heading, line, seconds, timed } from "./report.js";
import { withProgress } from "./with-progress.js";

/** The whole story, in a directory that is gone afterwards. Resolves with whether everything ended up the same. */
async function demo(directory: string): Promise<boolean> {
  heading("1", "A sync server over a fresh SQLite file, and all the cities of the world loaded through it");
  const file = join(directory, "server.db");
  const server = await startServer({ db: file, listen: "127.0.0.1:0" });
  try {
    line("server", `${server.url}, speaking the protocols of Turso and libSQL clients`);
    const load = await timed(() =>
      withProgress("cities", "cities", (report) => loadCities(server.url, report)),
    );
    line(
      "loaded",
      `${load.result.toLocaleString("en")} cities with @libsql/client in ${seconds(load.milliseconds)}`,
    );

    heading("2", "Two replicas, each an ordinary SQLite file");
    const replicas = [];
    for (const name of ["laptop", "phone"]) {
      const path = join(directory, `${name}.db`);
      const opened = await timed(() =>
        withProgress(name, "pages", (report) =>
          openReplica({
            path,
            url: server.url,
            clientName: name,
            onProgress: ({ phase, done, total }) => {
              if (phase === "bootstrap") report(done, total);
            },
          }),
        ),
      );
      const size = statSync(path).size;
      line(name, `${bytes(size)} downloaded in ${seconds(opened.milliseconds)}`);
      replicas.push(opened.result);
    }
    const [laptop, phone] = replicas as [(typeof replicas)[0], (typeof replicas)[0]];

    try {
      heading("3", "Both work offline: no request leaves this process");
      for (const [name, edits] of [
        ["laptop", editOnLaptop(laptop.db)],
        ["phone", editOnPhone(phone.db)],
      ] as const) {
        for (const edit of edits) line(name, edit);
      }

      heading("4", "They sync");
      for (const [name, replica] of [
        ["laptop", laptop],
        ["phone", phone],
        ["laptop", laptop],
      ] as const) {
        const before = await replica.stats();
        const { result, milliseconds } = await timed(() => replica.sync());
        const after = await replica.stats();
        const sent = bytes(after.bytesSent - before.bytesSent);
        const received = bytes(after.bytesReceived - before.bytesReceived);
        const pulled = result.pulled ? "pulled" : "nothing to pull";
        line(
          name,
          `pushed ${result.pushed} changes, ${pulled}: ${sent} up, ${received} down, ${seconds(milliseconds)}`,
        );
      }

      heading("5", "What everybody has now");
      return await compareContents(server.url, { laptop: laptop.db, phone: phone.db });
    } finally {
      await Promise.all(replicas.map((replica) => replica.close()));
    }
  } finally {
    await server.close();
  }
}

const directory = mkdtempSync(join(tmpdir(), "tributary-demo-"));
process.once("SIGINT", () => {
  rmSync(directory, { recursive: true, force: true });
  process.exit(130);
});
try {
  const same = await demo(directory);
  console.log(
    same ? pc.green("\nServer, laptop and phone hold the same rows.\n") : pc.red("\nThey differ.\n"),
  );
  process.exitCode = same ? 0 : 1;
} catch (error) {
  console.error(pc.red("\nThe demo failed:"), error);
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
