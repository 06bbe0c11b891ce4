import { runJob } from "../jobs/run-job.js";
import type { Question } from "../question.js";
import { withServer } from "./pairs.js";

const LIVE_NAME = "Tributary, WebSocket";

/** There is no peer: Turso's client has no connection on which it is told. */
export const LIVE: Question = {
  name: "live",
  title: "From a commit on one live replica until it is seen on another",
  cases: [
    {
      name: LIVE_NAME,
      run: (scale) =>
        withServer("tributary", ({ url }, directory) =>
          runJob("liveLatency", { directory, url, times: scale === "short" ? 5 : 300 }),
        ),
    },
  ],
  targets: [{ figure: "p50, ms", of: LIVE_NAME, atMost: 5 }],
};

const SUBSCRIBERS = 1_000;

export const FAN_OUT: Question = {
  name: "fan-out",
  title: `From the request of a commit until it has come to ${SUBSCRIBERS.toLocaleString("en")} subscribers`,
  rounds: 3,
  cases: [
    {
      name: LIVE_NAME,
      run: (scale) =>
        withServer("tributary", ({ url }) =>
          runJob("fanOut", {
            url,
            subscribers: scale === "short" ? 20 : SUBSCRIBERS,
            commits: scale === "short" ? 3 : 40,
          }),
        ),
    },
  ],
  targets: [],
};
