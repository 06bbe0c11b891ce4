import { bootstrap, download } from "./bootstrap.js";
import { capture } from "./capture.js";
import { emptyPulls } from "./empty-pulls.js";
import { grownPull } from "./grown-pull.js";
import { liveLatency } from "./live-latency.js";
import { localInsert } from "./local-insert.js";
import { pullOne } from "./pull-one.js";
import { pullRows } from "./pull-rows.js";
import { pushOne } from "./push-one.js";
import { pushRows } from "./push-rows.js";
import { read } from "./read.js";
import { wireBytes } from "./wire-bytes.js";

/** All jobs, by the names that `runJob` sends. */
export interface Jobs {
  readonly bootstrap: typeof bootstrap;
  readonly capture: typeof capture;
  readonly download: typeof download;
  readonly emptyPulls: typeof emptyPulls;
  readonly grownPull: typeof grownPull;
  readonly liveLatency: typeof liveLatency;
  readonly localInsert: typeof localInsert;
  readonly pullOne: typeof pullOne;
  readonly pullRows: typeof pullRows;
  readonly pushOne: typeof pushOne;
  readonly pushRows: typeof pushRows;
  readonly read: typeof read;
  readonly wireBytes: typeof wireBytes;
}

export const JOBS: Jobs = {
  bootstrap,
  capture,
  download,
  emptyPulls,
  grownPull,
  liveLatency,
  localInsert,
  pullOne,
  pullRows,
  pushOne,
  pushRows,
  read,
  wireBytes,
};
