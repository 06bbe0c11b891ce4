// Goes on with a replica in a process whose files may not become large, and prints what came of it.
// Arguments: the built package to import, the replica's path, the server's URL.
const [entry, path, url] = process.argv.slice(2);
// Without a handler the signal that comes with the limit ends the process; a full disk only gives an error.
process.on("SIGXFSZ", () => {});
const { openReplica } = await import(entry);
const replica = await openReplica({ path, url });
const failures = [];
const attempt = async (work) => {
  try {
    await work();
  } catch (error) {
    failures.push(error.code);
  }
};
let committed = 0;
const insert = replica.db.prepare("INSERT INTO notes VALUES (?, hex(randomblob(5000)))");
await attempt(() => {
  for (; committed < 1000; committed++) insert.run(1_000 + committed);
});
await attempt(() => replica.pull());
await attempt(() => replica.checkpoint());
const integrity = replica.db.pragma("integrity_check", { simple: true });
const rows = replica.db.prepare("SELECT count(*) FROM notes WHERE id >= 1000").pluck().get();
await attempt(() => replica.close());
process.stdout.write(JSON.stringify({ committed, failures, integrity, rows }));
