import { rmSync } from "node:fs";
import { type Coroutine, checkpoint, openReplica, type ReplicaConfig, repairReplica } from "@tributary/core";
import { copyFiles, makeCrashDirectory } from "@tributary/testkit";
import { onTestFinished } from "vitest";
import type { Expectation } from "./check-crash.js";
import { type CrashHost, type CrashReplica, crashConfig, hostIn, openIn } from "./crash-replica.js";
import { contentsBefore, contentsMerged, type DataSet, SEVERAL_TABLES } from "./data-sets.js";
import { ForkableRemote } from "./forkable-remote.js";

/** A procedure that is about to begin. */
export interface PreparedRun {
  readonly host: CrashHost;
  /** The open replica, if the procedure is one of an open replica. */
  readonly replica: CrashReplica | undefined;
  readonly remote: ForkableRemote;
  readonly procedure: (host: CrashHost) => Coroutine<unknown>;
  readonly expected: Expectation;
  /** Lets go of everything before the test ends. */
  dispose(): void;
}

/** An engine procedure to be stopped, or made to fail, everywhere. Preparing it twice gives the same twice. */
export interface CrashProcedure {
  readonly name: string;
  /** The code of the error it ends with when nothing fails; `undefined`: it succeeds. */
  readonly failsWith: string | undefined;
  prepare(): Promise<PreparedRun>;
}

/** What else there is to say of a procedure. */
export interface ProcedureOptions {
  readonly failsWith?: string;
  readonly expected?: Partial<Expectation>;
  readonly config?: Partial<ReplicaConfig>;
  /** Brings the replica from holding the data set's changes to where the procedure begins. */
  readonly setUp?: (replica: CrashReplica, remote: ForkableRemote) => Promise<void>;
}

/** A procedure of an open replica that holds the changes of a data set. */
export function ofOpen(
  name: string,
  set: DataSet,
  procedure: (replica: CrashReplica) => Coroutine<unknown>,
  { failsWith, expected, config = {}, setUp }: ProcedureOptions = {},
): CrashProcedure {
  return {
    name,
    failsWith,
    async prepare() {
      const { replica, remote } = await replicaWith(set, config);
      await setUp?.(replica, remote);
      return {
        host: replica,
        replica,
        remote,
        procedure: () => procedure(replica),
        expected: { ...expectationOf(set), options: config, ...expected },
        dispose: () => disposeOf(replica, remote),
      };
    },
  };
}

/** Opening a replica as something has left it; `leave` gives the directory. */
export function ofOpening(
  name: string,
  set: DataSet,
  leave: (replica: CrashReplica) => Promise<string>,
  { expected, setUp }: ProcedureOptions = {},
): CrashProcedure {
  return {
    name,
    failsWith: undefined,
    async prepare() {
      const { replica, remote } = await replicaWith(set);
      await setUp?.(replica, remote);
      const directory = await leave(replica);
      replica.drop();
      return openingRun(directory, remote, { ...expectationOf(set), ...expected });
    },
  };
}

/** Repairing a replica as something has left it; `leave` gives the directory. It shows what both sides hold then. */
export function ofRepair(
  name: string,
  set: DataSet,
  leave: (replica: CrashReplica) => Promise<string>,
): CrashProcedure {
  const opening = ofOpening(name, set, leave, {
    expected: { shown: [contentsBefore(set), contentsMerged(set)], mayForget: true },
  });
  return {
    ...opening,
    async prepare() {
      const run = await opening.prepare();
      const { options } = run.expected;
      return { ...run, procedure: ({ path }) => repairReplica(crashConfig(path, options)) };
    },
  };
}

/** Opening a replica that is not there yet. */
export function ofCreation(name: string, config: Partial<ReplicaConfig> = {}): CrashProcedure {
  return {
    name,
    failsWith: undefined,
    prepare() {
      const remote = ForkableRemote.create(SEVERAL_TABLES.base);
      onTestFinished(() => remote.close());
      const merged = remote.contents();
      const isEmpty = config.bootstrapIfEmpty === false;
      return Promise.resolve(
        openingRun(testDirectory(), remote, {
          shown: [isEmpty ? {} : merged],
          merged,
          pending: [0],
          mend: undefined,
          mayForget: isEmpty,
          options: config,
        }),
      );
    },
  };
}

function openingRun(directory: string, remote: ForkableRemote, expected: Expectation): PreparedRun {
  const host = hostIn(directory, remote.connect());
  onTestFinished(() => host.drop());
  const procedure = ({ path }: CrashHost): Coroutine<unknown> =>
    openReplica(crashConfig(path, expected.options));
  return {
    host,
    replica: undefined,
    remote,
    procedure,
    expected,
    dispose: () => disposeOf(host, remote),
  };
}

function disposeOf(host: CrashHost, remote: ForkableRemote): void {
  host.drop();
  remote.close();
  rmSync(host.directory, { recursive: true, force: true });
}

/** Makes a replica, and the changes of a data set on both sides. */
export async function replicaWith(
  set: DataSet,
  config: Partial<ReplicaConfig> = {},
): Promise<{ readonly replica: CrashReplica; readonly remote: ForkableRemote }> {
  const remote = ForkableRemote.create(set.base, set.history);
  onTestFinished(() => remote.close());
  const replica = await openIn(testDirectory(), remote.connect(), config);
  onTestFinished(() => replica.drop());
  if (set.settled !== "") {
    replica.db.exec(set.settled);
    await replica.run(checkpoint(replica.session));
  }
  for (const sql of set.unsettled) replica.db.exec(sql);
  remote.query(set.remote);
  return { replica, remote };
}

/** What has to be so of a replica with the changes of a data set, wherever it was stopped. */
export function expectationOf(set: DataSet): Expectation {
  const merged = contentsMerged(set);
  const before = contentsBefore(set);
  return {
    shown: set.mend === undefined ? [before, merged] : [before],
    merged,
    pending: set.pending,
    mend: set.mend,
    mayForget: false,
    options: {},
  };
}

/** A directory that is gone when the test has ended. */
function testDirectory(): string {
  const directory = makeCrashDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy of a replica's files, as a process that dies leaves them. */
export function copyOf({ directory }: CrashReplica): string {
  const copy = `${testDirectory()}/copy`;
  copyFiles(directory, copy);
  return copy;
}

/** Picks a request of a procedure. */
export type RequestPicker = (method: string, args: readonly unknown[]) => boolean;

/** The n-th request that another picker picks. */
export function nth(n: number, picks: RequestPicker): RequestPicker {
  let seen = 0;
  return (method, args) => picks(method, args) && ++seen === n;
}

/** What a process leaves that dies right before the request picked. */
export async function crashedBefore(
  replica: CrashReplica,
  procedure: Coroutine<unknown>,
  isNext: RequestPicker,
): Promise<string> {
  let copy: string | undefined;
  function* stopping(): Coroutine<void> {
    let step = procedure.next();
    while (!step.done) {
      if (isNext(step.value.method, step.value.args)) {
        copy = copyOf(replica);
        return;
      }
      try {
        step = procedure.next(yield step.value);
      } catch (error) {
        step = procedure.throw(error);
      }
    }
  }
  await replica.run(stopping());
  if (copy === undefined) throw new Error("The request to stop at was never made.");
  return copy;
}
