import { agedPull } from "./aged-pull.js";
import { bootstrap, copyFile, download } from "./bootstrap.js";
import { capture } from "./capture.js";
import { emptyPulls } from "./empty-pulls.js";
import { fanOut } from "./fan-out.js";
import { grownPull } from "./grown-pull.js";
import { idleSubscribers } from "./idle-subscribers.js";
import { liveBytes } from "./live-bytes.js";
import { liveLatency } from "./live-latency.js";
import { localInsert } from "./local-insert.js";
import { pullOne } from "./pull-one.js";
import { pullRows } from "./pull-rows.js";
import { pushOne } from "./push-one.js";
import { pushRows } from "./push-rows.js";
import { read } from "./read.js";
import { roundTrips } from "./round-trips.js";
import { streamBytes } from "./stream-bytes.js";
import { tapePush } from "./tape-push.js";
import { wireBytes } from "./wire-bytes.js";

/** All jobs, by the names that `runJob` sends. */
export interface Jobs {
  readonly agedPull: typeof agedPull;
  readonly bootstrap: typeof bootstrap;
  readonly capture: typeof capture;
  readonly copyFile: typeof copyFile;
  readonly download: typeof download;
  readonly emptyPulls: typeof emptyPulls;
  readonly fanOut: typeof fanOut;
  readonly grownPull: typeof grownPull;
  readonly idleSubscribers: typeof idleSubscribers;
  readonly liveBytes: typeof liveBytes;
  readonly liveLatency: typeof liveLatency;
  readonly localInsert: typeof localInsert;
  readonly pullOne: typeof pullOne;
  readonly pullRows: typeof pullRows;
  readonly pushOne: typeof pushOne;
  readonly pushRows: typeof pushRows;
  readonly read: typeof read;
  readonly roundTrips: typeof roundTrips;
  readonly streamBytes: typeof streamBytes;
  readonly tapePush: typeof tapePush;
  readonly wireBytes: typeof wireBytes;
}

export const JOBS: Jobs = {
  agedPull,
  bootstrap,
  capture,
  copyFile,
  download,
  emptyPulls,
  fanOut,
  grownPull,
  idleSubscribers,
  liveBytes,
  liveLatency,
  localInsert,
  pullOne,
  pullRows,
  pushOne,
  pushRows,
  read,
  roundTrips,
  streamBytes,
  tapePush,
  wireBytes,
};
