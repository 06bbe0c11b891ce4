import { createHttpProtocol } from "@tributary/protocol-http";
import { describeProtocolIo } from "@tributary/testkit";
import { startTurso } from "../support/remotes.js";

describeProtocolIo(
  "HTTP with Turso's server",
  async () => {
    const { url, query, close } = await startTurso();
    const remote = createHttpProtocol({ url });
    return {
      remote,
      query,
      cleanUp: async () => {
        await remote.close();
        await close();
      },
    };
  },
  // `inProcess`: what it is like when nobody answers does not depend on who would.
  { inProcess: true, sqlCodes: false, sharedConnection: true },
);
