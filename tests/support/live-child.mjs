// A live replica in a process of its own. Waits until its table `big` has that many rows; then, told how many, writes more of
// them in one transaction and waits until the remote has them. Tells after each how much memory it has taken at the most,
// beside what it had before, in bytes.
// Arguments: the built package to import, the replica's path, the server's URL, rows.
import { once } from "node:events";

const [entry, path, url, rows] = process.argv.slice(2);
const { openReplica } = await import(entry);
const replica = await openReplica({ path, url, live: true });
for await (const { state } of replica.watchStatus()) if (state === "live") break;
const before = process.memoryUsage.rss();
let largest = before;
const look = () => {
  largest = Math.max(largest, process.memoryUsage.rss());
};
const timer = setInterval(look, 5);
const tell = () => {
  look();
  process.send(largest - before);
};
const count = replica.db.prepare("SELECT count(*) FROM big").pluck();
const allThere = new Promise((resolve) => {
  replica.onChange(() => {
    if (count.get() === Number(rows)) resolve();
  });
});
const told = once(process, "message");
process.send("ready");
await allThere;
tell();
const [more] = await told;
const insert = replica.db.prepare("INSERT INTO big VALUES (NULL, randomblob(980))");
replica.db.transaction(() => {
  for (let done = 0; done < Number(more); done++) insert.run();
})();
for await (const { committed, acknowledged } of replica.watchStatus()) if (committed === acknowledged) break;
tell();
clearInterval(timer);
await replica.close();
process.disconnect();
