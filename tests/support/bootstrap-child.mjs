// Opens a replica in a process of its own and prints how much memory that took at the most.
// Arguments: the built package to import, the replica's path, the server's URL.
const [entry, path, url] = process.argv.slice(2);
const { openReplica } = await import(entry);
let largest = 0;
const timer = setInterval(() => {
  largest = Math.max(largest, process.memoryUsage.rss());
}, 20);
const before = process.memoryUsage.rss();
const replica = await openReplica({
  path,
  url,
  onProgress: () => (largest = Math.max(largest, process.memoryUsage.rss())),
});
clearInterval(timer);
const pages = replica.db.pragma("page_count", { simple: true });
await replica.close();
process.stdout.write(JSON.stringify({ before, largest, pages }));
