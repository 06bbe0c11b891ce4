/** All jobs, by the names that `runJob` sends. Each loads what it needs when it is run: nobody waits for the peers of others. */
export interface Jobs {
  readonly agedPull: typeof import("./aged-pull.js").agedPull;
  readonly bootstrap: typeof import("./bootstrap.js").bootstrap;
  readonly capture: typeof import("./capture.js").capture;
  readonly commit: typeof import("./capture.js").commit;
  readonly copyFile: typeof import("./bootstrap.js").copyFile;
  readonly download: typeof import("./bootstrap.js").download;
  readonly emptyPulls: typeof import("./empty-pulls.js").emptyPulls;
  readonly fanOut: typeof import("./fan-out.js").fanOut;
  readonly grownPull: typeof import("./grown-pull.js").grownPull;
  readonly idleSubscribers: typeof import("./idle-subscribers.js").idleSubscribers;
  readonly liveBytes: typeof import("./live-bytes.js").liveBytes;
  readonly liveLatency: typeof import("./live-latency.js").liveLatency;
  readonly localInsert: typeof import("./local-insert.js").localInsert;
  readonly pullOne: typeof import("./pull-one.js").pullOne;
  readonly pullRows: typeof import("./pull-rows.js").pullRows;
  readonly pushOne: typeof import("./push-one.js").pushOne;
  readonly pushRows: typeof import("./push-rows.js").pushRows;
  readonly read: typeof import("./read.js").read;
  readonly roundTrips: typeof import("./round-trips.js").roundTrips;
  readonly streamBytes: typeof import("./stream-bytes.js").streamBytes;
  readonly tapePush: typeof import("./tape-push.js").tapePush;
  readonly wireBytes: typeof import("./wire-bytes.js").wireBytes;
}

export const JOBS: Jobs = {
  agedPull: async (args) => (await import("./aged-pull.js")).agedPull(args),
  bootstrap: async (args) => (await import("./bootstrap.js")).bootstrap(args),
  capture: async (args) => (await import("./capture.js")).capture(args),
  commit: async (args) => (await import("./capture.js")).commit(args),
  copyFile: async (args) => (await import("./bootstrap.js")).copyFile(args),
  download: async (args) => (await import("./bootstrap.js")).download(args),
  emptyPulls: async (args) => (await import("./empty-pulls.js")).emptyPulls(args),
  fanOut: async (args) => (await import("./fan-out.js")).fanOut(args),
  grownPull: async (args) => (await import("./grown-pull.js")).grownPull(args),
  idleSubscribers: async (args) => (await import("./idle-subscribers.js")).idleSubscribers(args),
  liveBytes: async (args) => (await import("./live-bytes.js")).liveBytes(args),
  liveLatency: async (args) => (await import("./live-latency.js")).liveLatency(args),
  localInsert: async (args) => (await import("./local-insert.js")).localInsert(args),
  pullOne: async (args) => (await import("./pull-one.js")).pullOne(args),
  pullRows: async (args) => (await import("./pull-rows.js")).pullRows(args),
  pushOne: async (args) => (await import("./push-one.js")).pushOne(args),
  pushRows: async (args) => (await import("./push-rows.js")).pushRows(args),
  read: async (args) => (await import("./read.js")).read(args),
  roundTrips: async (args) => (await import("./round-trips.js")).roundTrips(args),
  streamBytes: async (args) => (await import("./stream-bytes.js")).streamBytes(args),
  tapePush: async (args) => (await import("./tape-push.js")).tapePush(args),
  wireBytes: async (args) => (await import("./wire-bytes.js")).wireBytes(args),
};
