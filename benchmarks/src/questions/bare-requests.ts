import { runJob } from "../jobs/run-job.js";
import type { Case } from "../question.js";
import { withServer } from "./pairs.js";

/** What a request takes to a server that does nothing, as these figures. */
export function bareRequests(figures: readonly string[]): Case {
  return {
    name: "a request to bare node:http",
    run: (scale) =>
      withServer("bare", ({ url }) =>
        runJob("roundTrips", { url, times: scale === "short" ? 5 : 200, figures }),
      ),
  };
}
