// Databases of another thread, which is given their ports, or of another process, which has a link over its standard
// streams. In each of them a row "ping" is answered by a row "pong".
import { join } from "node:path";
import { Duplex } from "node:stream";
import { workerData } from "node:worker_threads";
import { linkStreams } from "@tributary/live";
import { openReplica } from "@tributary/replica";
import { openCapturedDatabase } from "@tributary/streams";
import { createDuplexChannel, createPortChannel } from "@tributary/transports";

/** Gives the function to be called after each change. */
function answering(db) {
  return () => {
    const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 't'").get() !== undefined;
    if (!isThere || db.prepare("SELECT body FROM t").pluck().all().join() !== "ping") return;
    db.exec("INSERT INTO t VALUES (2, 'pong')");
  };
}

function link(channel, directory) {
  const streams = openCapturedDatabase({ path: join(directory, "linked.db"), name: "child" });
  // Nothing else ends this thread or process: it has nothing left to wait for when its channels have ended.
  linkStreams(channel, { streams, onClose: () => streams.close() });
  const answer = answering(streams.db);
  // What a listener does is not part of the transaction that it is told of.
  streams.onCommit(() => queueMicrotask(answer));
}

if (workerData) {
  const { directory, linkPort, replicaPort } = workerData;
  link(createPortChannel(linkPort), directory);
  const path = join(directory, "replica.db");
  const transport = async () => createPortChannel(replicaPort);
  const replica = await openReplica({ path, url: null, transport, live: true });
  const answer = answering(replica.db);
  replica.onChange(answer);
  answer();
} else {
  const channel = createDuplexChannel(Duplex.from({ readable: process.stdin, writable: process.stdout }));
  link(channel, process.argv[2]);
}
