import { runJob } from "../jobs/run-job.js";
import { startServer } from "../peers/server-process.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Question } from "../question.js";

/** There is no peer: Turso's client has no connection on which it is told. */
export const LIVE: Question = {
  name: "live",
  title: "From a commit on one live replica until it is seen on another",
  cases: [
    {
      name: "Tributary, WebSocket",
      run: (scale) =>
        inTemporaryDirectory(async (directory) => {
          const server = await startServer("tributary", `${directory}/server.db`);
          try {
            return await runJob("liveLatency", {
              directory,
              url: server.url,
              times: scale === "short" ? 5 : 300,
            });
          } finally {
            await server.end();
          }
        }),
    },
  ],
  targets: [],
};
