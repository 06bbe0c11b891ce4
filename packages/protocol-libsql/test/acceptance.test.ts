import { join } from "node:path";
import { createLibsqlProtocol } from "@tributary/protocol-libsql";
import { describeProtocolIo } from "@tributary/testkit";
import { temporaryDirectory } from "../../../tests/support/temporary-directory.js";
import { startReference } from "./reference-server.js";

describeProtocolIo("libSQL's offline protocol", async () => {
  const server = await startReference();
  const directory = temporaryDirectory();
  const remote = createLibsqlProtocol({ url: server.url, mirrorPath: join(directory, "mirror") });
  const unreachable = createLibsqlProtocol({
    url: "http://127.0.0.1:1",
    mirrorPath: join(directory, "unreachable"),
    retry: { attempts: 1 },
  });
  return {
    remote,
    unreachable,
    query: (sql) => server.query(sql),
    cleanUp: async () => {
      await Promise.all([remote.close(), unreachable.close()]);
    },
  };
});
