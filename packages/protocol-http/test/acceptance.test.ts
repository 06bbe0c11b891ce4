import { describeProtocolIo } from "@tributary/testkit";
import { startTributary } from "../../../tests/support/remotes.js";
import { createHttpProtocol } from "../src/index.js";
import { TRANSPORTS } from "./test-protocol.js";

for (const [name, transport] of TRANSPORTS) {
  describeProtocolIo(`HTTP with ${name}`, async () => {
    const { url, query, close } = await startTributary();
    const remote = createHttpProtocol({ url, ...transport });
    // Closed by now: nobody listens there.
    const gone = await startTributary();
    await gone.close();
    const unreachable = createHttpProtocol({ url: gone.url, retry: { attempts: 1 }, ...transport });
    return {
      remote,
      unreachable,
      query,
      cleanUp: async () => {
        await Promise.all([remote.close(), unreachable.close()]);
        await close();
      },
    };
  });
}
