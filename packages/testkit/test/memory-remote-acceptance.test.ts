import { createMemoryRemote, describeProtocolIo } from "../src/index.js";

describeProtocolIo(
  "the in-memory remote",
  () => {
    const remote = createMemoryRemote();
    return { remote: remote.connect(), query: remote.query, cleanUp: remote.close };
  },
  { inProcess: true },
);
