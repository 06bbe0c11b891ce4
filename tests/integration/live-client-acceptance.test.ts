import { SyncError } from "@tributary/core";
import { createLiveClient } from "@tributary/live";
import { describeProtocolIo } from "@tributary/testkit";
import { startLiveServer } from "../support/live-server.js";

describeProtocolIo("a live client", () => {
  const { connect, query } = startLiveServer();
  const client = createLiveClient({ connect, endpoint: "memory:server" });
  const nowhere = createLiveClient({
    connect: async () => {
      throw new SyncError("unreachable", "Nobody is there.");
    },
    endpoint: "memory:nowhere",
  });
  return {
    remote: client.replica(),
    unreachable: nowhere.replica(),
    query,
    cleanUp: async () => {
      await Promise.all([client.close(), nowhere.close()]);
    },
  };
});
